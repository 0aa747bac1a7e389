import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { handlersOf } from '../../src/binary/exports';
import { readBinary } from '../../src/binary/read';
import { DlserveError } from '../../src/ground/errors';

const fixtures = path.join(__dirname, '../fixtures/libraries');
const targets = [
  'aarch64-macos',
  'x86_64-macos',
  'aarch64-linux-gnu',
  'x86-linux-gnu',
  's390x-linux-gnu',
  'mips-linux-musleabi',
];

function machine(target: string): Buffer {
  return gunzipSync(readFileSync(path.join(fixtures, `${target}.gz`)));
}

/** True where the bytes were read, false where they were refused in words. */
function reads(bytes: Buffer): boolean {
  try {
    handlersOf(readBinary(bytes));
    return true;
  } catch (error) {
    if (error instanceof DlserveError && error.code === 'BAD_LIBRARY') return false;
    throw error;
  }
}

describe.each(targets)('a library for %s', (target) => {
  const whole = machine(target);

  test('is refused wherever it is cut short', () => {
    const accepted = [];
    for (let length = 0; length < whole.length; length += length < 2048 ? 1 : 7) {
      if (reads(whole.subarray(0, length))) accepted.push(length);
    }
    expect(accepted).toEqual([]);
    expect(reads(whole)).toBe(true);
  });

  test('with bytes changed is read or refused, and nothing else', () => {
    // Most changes are aimed at the headers and tables, which lie at the front and at the end.
    const offset = fc.oneof(fc.nat(Math.min(2047, whole.length - 1)), fc.nat(whole.length - 1));
    const value = fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255));
    fc.assert(
      fc.property(fc.array(fc.tuple(offset, value), { minLength: 1, maxLength: 12 }), (changes) => {
        const bytes = Buffer.from(whole);
        for (const [at, byte] of changes) bytes[at] = byte;
        reads(bytes);
      }),
      { numRuns: 1500 },
    );
  });
});

test('no bytes whatever make it fail in another way', () => {
  const magic = fc.constantFrom(
    '7f454c46020101',
    '7f454c46010201',
    'cffaedfe07000001',
    'feedface',
    'cafebabe00000002',
    '',
  );
  fc.assert(
    fc.property(magic, fc.uint8Array({ maxLength: 400 }), (start, rest) => {
      reads(Buffer.concat([Buffer.from(start, 'hex'), rest]));
    }),
    { numRuns: 3000 },
  );
});
