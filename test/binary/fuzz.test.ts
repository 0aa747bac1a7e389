import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { handlersOf } from '../../src/binary/exports';
import { readBinary } from '../../src/binary/read';
import { DlserveError } from '../../src/ground/errors';
import { compile } from '../support/compile';

const fixtures = path.join(__dirname, '../fixtures/libraries');
const targets = [
  'aarch64-macos',
  'aarch64-macos-names',
  'x86_64-macos',
  'aarch64-linux-gnu',
  'x86-linux-gnu',
  's390x-linux-gnu',
  'mips-linux-musleabi',
];

/** Unstripped, with versions, both kinds of hash table. */
const OWN = 'this host';

function machine(target: string): Buffer {
  if (target === OWN) return readFileSync(compile(path.join(fixtures, 'hidden.c'), process.platform === 'linux' ? ['-Wl,--hash-style=both'] : []));
  return gunzipSync(readFileSync(path.join(fixtures, `${target}.gz`)));
}

/** True where the bytes were read, false where they were refused in words. */
async function reads(bytes: Buffer): Promise<boolean> {
  try {
    handlersOf(await readBinary(bytes));
    return true;
  } catch (error) {
    if (error instanceof DlserveError && error.code === 'BAD_LIBRARY') return false;
    throw error;
  }
}

const PADDING = 100_000;

function isBigEndian(bytes: Buffer): boolean {
  return bytes.readUInt32BE(0) === 0x7f45_4c46 && bytes[5] === 2;
}

function write(bytes: Buffer, offset: number, size: number, value: number, big: boolean): void {
  const integer = Buffer.alloc(8);
  integer.writeBigUInt64LE(BigInt(value));
  const field = integer.subarray(0, size);
  (big ? field.reverse() : field).copy(bytes, offset);
}

/** What this process has spent so far; what is collected meanwhile is missing from the bytes, so they are no more than a guess. */
function spent(): { seconds: number; memory: number } {
  const { heapUsed, external } = process.memoryUsage();
  return { seconds: process.cpuUsage().user / 1e6, memory: heapUsed + external };
}

describe.each([...targets, OWN])('a library for %s', (target) => {
  const whole = machine(target);

  test('is refused wherever it is cut short', async () => {
    const accepted = [];
    for (let length = 0; length < whole.length; length += length < 2048 ? 1 : 7) {
      if (await reads(whole.subarray(0, length))) accepted.push(length);
    }
    expect(accepted).toEqual([]);
    expect(await reads(whole)).toBe(true);
  });

  test('with its offsets, sizes and counts changed is read or refused, in little time and memory', async () => {
    const big = isBigEndian(whole);
    const at = fc.oneof(fc.nat(2047), fc.nat(whole.length)).map((offset) => offset & ~3);
    const change = fc.record({
      at,
      size: fc.constantFrom(2, 4, 8),
      value: fc.oneof(
        fc.constantFrom(0, 1, 2, 0x7fff_ffff, 0xffff_ffff, 2 ** 53, whole.length, whole.length - 1, whole.length + 1),
        fc.nat(whole.length + PADDING),
        // As another field has it.
        at.map((offset) => (offset + 4 <= whole.length ? (big ? whole.readUInt32BE(offset) : whole.readUInt32LE(offset)) : 0)),
      ),
    });
    // Behind the library there is room for what a large count or offset leads to.
    const padding = fc.constantFrom('', '\0', '\x01', 'a', 'GETaHandler\0', 'GETHandler', '\x01\0\0\0');
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), padding, async (changes, fill) => {
        const bytes = Buffer.concat([whole, fill === '' ? Buffer.alloc(8) : Buffer.alloc(PADDING, fill)]);
        for (const { at: offset, size, value } of changes) write(bytes, offset, size, value, big);
        const before = spent();
        await reads(bytes);
        const { seconds, memory } = spent();
        expect(seconds - before.seconds).toBeLessThan(5);
        expect(memory - before.memory).toBeLessThan(64 * 2 ** 20);
      }),
      { numRuns: 400 },
    );
  });

  test('with bytes changed is read or refused, and nothing else', async () => {
    // Most changes are aimed at the headers and tables, which lie at the front and at the end.
    const offset = fc.oneof(fc.nat(Math.min(2047, whole.length - 1)), fc.nat(whole.length - 1));
    const value = fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(offset, value), { minLength: 1, maxLength: 12 }), async (changes) => {
        const bytes = Buffer.from(whole);
        for (const [at, byte] of changes) bytes[at] = byte;
        await reads(bytes);
      }),
      { numRuns: 1500 },
    );
  });
});

test('no bytes whatever make it fail in another way', async () => {
  const magic = fc.constantFrom(
    '7f454c46020101',
    '7f454c46010201',
    'cffaedfe07000001',
    'feedface',
    'cafebabe00000002',
    '',
  );
  await fc.assert(
    fc.asyncProperty(magic, fc.uint8Array({ maxLength: 400 }), async (start, rest) => {
      await reads(Buffer.concat([Buffer.from(start, 'hex'), rest]));
    }),
    { numRuns: 3000 },
  );
});
