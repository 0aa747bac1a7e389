import { fstatSync, readSync, writeSync } from 'node:fs';
import { MOST_CANCELLED, SharedLayout } from '../../../../src/runtimes/supervised/runner/protocol';
import { Shared } from '../../../../src/runtimes/supervised/runner/shared';

let shared: Shared;
beforeEach(() => (shared = new Shared()));
afterEach(() => shared.close());

const slot = (id: number): number => {
  const bytes = Buffer.alloc(4);
  readSync(shared.fd, bytes, 0, 4, SharedLayout.CANCELLED + 4 * (id % MOST_CANCELLED));
  return bytes.readUInt32LE();
};

it('takes all of its room at once, and leaves no name behind', () => {
  const { size, blocks, nlink } = fstatSync(shared.fd);
  expect(size).toBe(SharedLayout.SIZE);
  expect(blocks * 512).toBeGreaterThanOrEqual(size);
  expect(nlink).toBe(0);
});

it('cancels one call of all that a runner will ever get', () => {
  const seen = new Set([slot(0)]);
  for (const id of [MOST_CANCELLED, 2 ** 32, 2 ** 32 + MOST_CANCELLED, 2 ** 40]) {
    shared.cancel(id);
    seen.add(slot(id));
  }
  expect(seen.size).toBe(5);
});

it('says what stood there last once it is closed, and touches its descriptor no more', () => {
  const begun = Buffer.alloc(8);
  begun.writeBigUInt64LE(7n);
  writeSync(shared.fd, begun, 0, 8, SharedLayout.BEGUN);
  shared.close();
  expect(shared.read().begun).toBe(7);
  shared.cancel(8);
  shared.halt();
  expect(shared.unsent(0, 10)).toHaveLength(0);
  expect(shared.read().begun).toBe(7);
});
