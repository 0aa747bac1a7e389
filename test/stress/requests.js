/* What request n is, and what its answer must be; both follow from the seed. */
'use strict';

/**
 * @typedef {object} Request
 * @property {number} n
 * @property {string | null} way the guilty handler; null: it is innocent
 * @property {string} method
 * @property {string} path
 * @property {Buffer | null} body
 * @property {Buffer | null} expected the reply's body; null: there must be none
 */

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {Readonly<Record<string, string | undefined>>} headers
 * @property {Buffer} body
 */

/** A pseudo-random generator, mulberry32: numbers from 0 up to 1. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Sizes of bodies and replies, in bytes: a share of all, and the largest of them. */
const SIZES = [
  [0.05, 400_000],
  [0.15, 40_000],
  [0.3, 4_000],
  [1, 300],
];

/** Of a method that may be made again. */
const PUTS = 0.4;
/** Some of the others take their time in the handler, in milliseconds. */
const SLOW = 0.05;
const LONGEST_WAIT = 30;

function sizeOf(next) {
  const draw = next();
  const [, most] = SIZES.find(([share]) => draw < share);
  return Math.floor(next() * (most + 1));
}

const LONGEST = SIZES[0][1];
const letters = Buffer.alloc(LONGEST, 'abcdefghijklmnopqrstuvwxyz');

/** Makes the requests of one run. */
class Requests {
  /**
   * @param {number} seed
   * @param {number} guilty share
   * @param {number} hangs share
   */
  constructor(seed, guilty, hangs) {
    this.seed = seed;
    this.guilty = guilty;
    this.hangs = hangs;
    const next = generator(seed);
    // A body is a part of it, from anywhere: hardly two are the same.
    this.pool = Buffer.from(Array.from({ length: 2 * LONGEST }, () => next() * 256));
    this.inverted = this.pool.map((byte) => ~byte);
  }

  /**
   * @param {number} n
   * @param {import('./plugins').Plugin} plugin
   * @returns {Request}
   */
  make(n, { name, ways, hangs = false }) {
    const next = generator(this.seed ^ Math.imul(n, 0x9e3779b1));
    const names = Object.keys(ways);
    const draw = next();
    const crash = draw < this.guilty && names.length > 0 ? names[Math.floor(next() * names.length)] : null;
    const way = crash ?? (hangs && draw > 1 - this.hangs ? 'Hang' : null);
    const size = sizeOf(next);
    if (next() < PUTS) {
      const start = Math.floor(next() * (this.pool.length - size));
      const part = (bytes) => bytes.subarray(start, start + size);
      const path = `/_PLUGIN/${name}/${way ?? 'Invert'}?n=${n}`;
      return { n, way, method: 'PUT', path, body: part(this.pool), expected: way === null ? part(this.inverted) : null };
    }
    const wait = next() < SLOW ? Math.ceil(next() * LONGEST_WAIT) : 0;
    const path = `/_PLUGIN/${name}/${way ?? 'Text'}?n=${n}&size=${size}&wait=${wait}`;
    const expected = way === null ? Buffer.concat([Buffer.from(`${n} `), letters.subarray(0, size)]) : null;
    return { n, way, method: 'GET', path, body: null, expected };
  }
}

/**
 * @param {Request} request
 * @param {Answer} answer
 * @returns {'right' | 'crashed' | 'late' | string} `crashed`: 502 PLUGIN_CRASHED; `late`: 504 TIMEOUT or QUEUE_TIMEOUT; any other text says what is wrong
 */
function judge({ n, way, method, expected }, { status, headers, body }) {
  if (status === 502 || status === 504) {
    const text = body.toString();
    if (status === 502 && text.endsWith('"code":"PLUGIN_CRASHED"}')) return 'crashed';
    if (status === 504 && /"code":"(QUEUE_)?TIMEOUT"}$/.test(text)) return 'late';
  }
  if (status !== 200) return `status ${status}: ${body.toString().slice(0, 200)}`;
  if (way !== null) return 'a guilty one answered 200';
  if (method === 'PUT' && headers['x-call'] !== String(n)) return `the reply of call ${headers['x-call']}`;
  return body.equals(expected) ? 'right' : `wrong bytes: ${body.length} of ${expected.length}, ${JSON.stringify(body.toString('latin1', 0, 40))}`;
}

module.exports = { Requests, generator, judge };
