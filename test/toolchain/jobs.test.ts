import { setImmediate } from 'node:timers/promises';
import { Jobs, Work } from '../../src/toolchain/jobs';

let now = 0;

beforeEach(() => {
  now = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => now);
});
afterEach(() => jest.restoreAllMocks());

/** A task that ends when it is told to. */
function task(work: Work): { end: () => void; ended: Promise<void> } {
  let end = (): void => undefined;
  const told = new Promise<void>((resolve) => (end = resolve));
  return { end: () => end(), ended: work.run(() => told) };
}

test('the time in which a build waits for another does not count', async () => {
  const jobs = new Jobs(1);
  const [first, second] = [new Work(jobs), new Work(jobs)];
  const one = task(first);
  const other = task(second);
  now = 100;
  one.end();
  await one.ended;
  await setImmediate();
  now = 130;
  expect([first.ms, second.ms]).toEqual([100, 30]);
  other.end();
  await other.ended;
  now = 500;
  expect([first.ms, second.ms]).toEqual([100, 30]);
});

test('tasks of one build at the same time count once, and what fails counts as well', async () => {
  const work = new Work(new Jobs(2));
  const [one, other] = [task(work), task(work)];
  now = 10;
  one.end();
  await one.ended;
  now = 30;
  other.end();
  await other.ended;
  expect(work.ms).toBe(30);
  now = 40;
  const failing = work.run(() => {
    now = 45;
    return Promise.reject(new Error('no'));
  });
  await expect(failing).rejects.toThrow('no');
  expect(work.ms).toBe(35);
});
