import { Ledger } from '../../../../src/runtimes/supervised/runner/ledger';
import { handlersNamed, head, makeCall } from '../../../support/runtime';

const handlers = handlersNamed(['GETTestHandler']);
const TEXT = head().length;
/** A call with so many bytes beside its text. */
const call = (bytes = 0): ReturnType<typeof makeCall> => makeCall({ handlers }, 0, { body: Buffer.alloc(bytes) }, () => undefined);

it('knows a call until it is answered', () => {
  const ledger = new Ledger();
  const [first, second] = [call(10), call(20)];
  expect([ledger.add(first), ledger.add(second)]).toEqual([1, 2]);
  expect([ledger.find(second), ledger.find(call())]).toEqual([2, 0]);
  expect([ledger.size, ledger.bytes]).toEqual([2, 30 + 2 * TEXT]);
  expect([ledger.settle(1), ledger.settle(1), ledger.settle(3)]).toEqual([first, undefined, undefined]);
  expect([ledger.size, ledger.bytes, ledger.has(1), ledger.has(2)]).toEqual([1, 20 + TEXT, false, true]);
});

it('finds a call without putting all of them in order', () => {
  const ledger = new Ledger();
  const calls = Array.from({ length: 1024 }, () => call());
  for (const each of calls) ledger.add(each);
  const sorts = jest.spyOn(Array.prototype, 'sort');
  const found = calls.map((each) => ledger.find(each));
  const sorted = sorts.mock.calls.length;
  sorts.mockRestore();
  expect(sorted).toBe(0);
  expect(found).toEqual(calls.map((_, index) => index + 1));
});

it('counts the bytes of a cancelled call until its runner has skipped it', () => {
  const ledger = new Ledger();
  ledger.add(call(10));
  ledger.cancel(1);
  expect([ledger.size, ledger.unanswered, ledger.bytes]).toEqual([0, 1, 10 + TEXT]);
  expect(ledger.settle(1)).toBeNull();
  expect([ledger.unanswered, ledger.bytes]).toEqual([0, 0]);
  expect(ledger.settle(1)).toBeUndefined();
});

it('gives back what has not begun, but for calls that nobody waits for', () => {
  const ledger = new Ledger();
  const calls = [call(), call(), call(), call(1)];
  for (const each of calls) ledger.add(each);
  ledger.markOverdue(2);
  ledger.markOverdue(3);
  expect(ledger.isAllOverdue).toBe(false);
  expect(ledger.takeWaiting(2)).toEqual([calls[3]]);
  expect(ledger.left()).toEqual({ executing: [calls[0]], expired: [calls[1]], kept: [] });
  expect([ledger.size, ledger.bytes]).toEqual([2, 2 * TEXT]);
  ledger.settle(1);
  expect(ledger.isAllOverdue).toBe(true);
});
