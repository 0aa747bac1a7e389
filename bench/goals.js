/* The goals that the project has set itself, beside what was measured. */
'use strict';

/** @typedef {{ text: string, measured: string, verdict: string, reached: boolean | undefined }} Goal */

const ratio = (value) => value.toFixed(2);
const count = (unit) => (value) => `${value.toFixed(Math.abs(value) < 10 ? 2 : 1)} ${unit}`;

/** @param {number} bound the least that is wanted */
const atLeast = (bound) => ({ bound, holds: (value) => value >= bound, words: `≥ ${bound}` });
/** @param {number} bound the most that is wanted */
const atMost = (bound, unit = '') => ({ bound, holds: (value) => value <= bound, words: `≤ ${bound}${unit}` });

/** Of the medians, since no run of the one belongs to a run of the other. */
const difference = (one, other) => {
  const median = one.median - other.median;
  return { median, min: median, max: median };
};

/** Judged by the least alone. */
const worst = (value) => value && { ...value, median: value.min, max: value.min };

const DOORS = { fast: 'fast lane', express: 'Express door' };
const http = (mode, door) => `http/get-c64/${mode}-${door}`;
const label = (mode, door) => `${mode}, ${DOORS[door]}`;

/** What each goal is, where its spread stands, and how it is written. A pick may answer undefined: it was not measured. */
const GOALS = [
  ...[['inline', 0.85], ['thread', 0.85], ['process', 0.78]].map(([mode, bound]) => ({
    text: `${label(mode, 'fast')}: of bare node:http, in the worst start`,
    row: http(mode, 'fast'),
    pick: ({ ofNode }) => worst(ofNode),
    want: atLeast(bound),
    show: ratio,
  })),
  ...['thread', 'process'].map((mode) => ({
    text: `${label(mode, 'fast')}: of bare node:http, one connection`,
    row: `http/get-c1/${mode}-fast`,
    pick: ({ ofNode }) => ofNode,
    want: atLeast(0.85),
    show: ratio,
  })),
  ...['inline', 'thread', 'process'].map((mode) => ({
    text: `${label(mode, 'fast')}: of bare Express (res.send)`,
    row: http(mode, 'fast'),
    pick: ({ ofSend }) => ofSend,
    want: atLeast(3),
    show: ratio,
  })),
  ...['inline', 'thread', 'process'].flatMap((mode) => [
    {
      text: `${label(mode, 'express')}: of a bare Express route with the same reply by res.send`,
      row: http(mode, 'express'),
      pick: ({ ofSend }) => ofSend,
      want: atLeast(0.95),
      show: ratio,
    },
    {
      text: `${label(mode, 'express')}: the same, the reply by res.end`,
      row: http(mode, 'express'),
      pick: ({ ofEnd }) => ofEnd,
      want: atLeast(0.95),
      show: ratio,
    },
  ]),
  {
    text: 'process: one call alone, p50',
    row: 'call/process',
    pick: ({ p50 }) => p50,
    want: atMost(15, ' µs'),
    show: count('µs'),
  },
  {
    text: 'process: pipelined, host time of a call, 64 in flight',
    row: 'call/process',
    pick: ({ host64 }) => host64,
    want: atMost(1, ' µs'),
    show: count('µs'),
  },
  ...['thread', 'process'].flatMap((mode) =>
    [64, 1].map((connections) => ({
      text: `${mode}: p99 of a fast handler beside 50 sleeping ones, of its p99 alone, ${connections} ${connections === 1 ? 'connection' : 'connections'}`,
      row: `beside/${mode}-fast-c${connections}`,
      pick: (values) => values.ratio,
      want: atMost(1.5),
      show: ratio,
    })),
  ),
  {
    text: 'listening after the start of the process (default mode)',
    row: 'start/thread-fast',
    pick: ({ listening }) => listening,
    want: atMost(150, ' ms'),
    show: count('ms'),
  },
  {
    text: 'process: first call of all above a warm one',
    row: 'start/process-fast',
    pick: ({ first, warm }) => difference(first, warm),
    want: atMost(10, ' ms'),
    show: count('ms'),
  },
  {
    text: 'process: memory of a runner, RSS',
    row: 'memory/process-fast',
    pick: ({ runner }) => runner,
    want: atMost(2, ' MB'),
    show: count('MB'),
  },
  ...['inline', 'thread', 'process'].flatMap((mode) =>
    [['idle', 'idle'], ['worked', 'after work']].map(([key, words]) => ({
      text: `${mode}: server memory above a bare Express server's, ${words}`,
      row: `memory/${mode}-fast`,
      beside: 'memory/express-send',
      pick: (values, express) => difference(values[key], express[key]),
      want: atMost(25, ' MB'),
      show: count('MB'),
    })),
  ),
];

/**
 * @param {readonly import('./bench').Section[]} sections
 * @returns {Goal[]}
 */
function judge(sections) {
  const rows = new Map(sections.flatMap(({ id, rows }) => rows.map((row) => [`${id}/${row.id}`, row])));
  return GOALS.map(({ text, row: name, beside, pick, want, show }) => {
    const needed = [name, beside].filter((needs) => needs !== undefined);
    const lacking = needed.find((needs) => rows.get(needs)?.values === undefined);
    const value = lacking === undefined ? pick(...needed.map((needs) => rows.get(needs).values)) : undefined;
    const goal = { text: `${text} ${want.words}` };
    if (value === undefined) {
      const why = rows.get(lacking ?? name)?.skipped;
      return { ...goal, measured: '–', verdict: why === undefined ? 'not measured' : `not measured: ${why}`, reached: undefined };
    }
    const { median, min, max } = value;
    const range = min === max ? '' : ` (${show(min)}–${show(max)})`;
    return { ...goal, measured: `${show(median)}${range}`, verdict: verdict(value, want, show), reached: want.holds(median) };
  });
}

/** The median decides. */
function verdict({ median, min, max }, { bound, holds }, show) {
  if (!holds(median)) return `missed by ${show(Math.abs(median - bound))}, ${Math.abs((median / bound - 1) * 100).toFixed(0)} %`;
  return holds(min) && holds(max) ? 'reached' : 'reached, though not in every round';
}

module.exports = { judge };
