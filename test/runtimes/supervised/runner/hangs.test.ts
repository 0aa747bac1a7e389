import { Hangs, type Hangable } from '../../../../src/runtimes/supervised/runner/hangs';
import { Ledger } from '../../../../src/runtimes/supervised/runner/ledger';
import { handlersNamed, makeCall } from '../../../support/runtime';

/** Calls that say nothing. */
const SILENT = { isWaiting: () => false, leave: () => undefined, leaveAll: () => undefined };

const handlers = handlersNamed(['GETTestHandler']);

/** A runner that has begun all calls and answers none; where it is killed, it has ended at once. */
class HungRunner implements Hangable {
  state: Hangable['state'] = 'ready';
  readonly fromRing = 0;
  looks = 0;

  get begun(): number {
    return Infinity;
  }

  get committed(): number {
    this.looks++;
    if (this.state === 'dead') throw new Error('read after its end');
    return 0;
  }

  halt(): void {}

  endHung(): void {
    this.state = 'dead';
  }

  retired(): void {}
}

function hungWith(calls: number): { runner: HungRunner; hangs: Hangs } {
  const ledger = new Ledger();
  for (let i = 0; i < calls; i++) ledger.add(makeCall({ handlers }, 0, {}, () => undefined));
  const runner = new HungRunner();
  return { runner, hangs: new Hangs(runner, ledger, SILENT, 30_000) };
}

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

it('looks at no runner that has ended: of two late calls the first ends it', () => {
  const { runner, hangs } = hungWith(2);
  hangs.expire(1);
  jest.advanceTimersByTime(2);
  hangs.expire(2);
  jest.runAllTimers();
  expect([runner.state, runner.looks]).toEqual(['dead', 1]);
});

it('looks at nothing any more when it is told of the end', () => {
  const { runner, hangs } = hungWith(2);
  hangs.expire(1);
  hangs.end();
  expect(jest.getTimerCount()).toBe(0);
  jest.runAllTimers();
  expect([runner.state, runner.looks]).toEqual(['ready', 0]);
});
