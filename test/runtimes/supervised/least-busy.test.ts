import { leastBusy } from '../../../src/runtimes/supervised/least-busy';
import type { Worker } from '../../../src/runtimes/supervised/worker';

/** As much of a worker as is looked at. */
const worker = (load: number, typical: number, concurrency = 1): Worker =>
  ({ load, typical, concurrency, hasRoom: (window: number) => load < window }) as Worker;

it('is the one with the fewest calls', () => {
  const [a, b, c] = [worker(3, 1), worker(1, 1), worker(2, 1)];
  expect(leastBusy([a, b, c], false)).toBe(b);
});

it('is none where calls take long and all are at one: whichever ends first takes the next', () => {
  expect(leastBusy([worker(1, 20_000), worker(1, 20_000)], false)).toBeNull();
  expect(leastBusy([worker(4, 20_000, 4), worker(3, 20_000, 4)], false)).not.toBeNull();
});

it('has brief calls at hand, so that it need not wait for the host, up to a bound', () => {
  expect(leastBusy([worker(64, 1)], false)).not.toBeNull();
  expect(leastBusy([worker(65, 1)], false)).toBeNull();
  expect(leastBusy([worker(20, 100)], false)).not.toBeNull();
  expect(leastBusy([worker(21, 100)], false)).toBeNull();
});

it('has all where there is no other', () => {
  expect(leastBusy([worker(1023, 20_000)], true)).not.toBeNull();
  expect(leastBusy([worker(1024, 20_000)], true)).toBeNull();
});
