/* How long the bench may take. */
'use strict';

const { WORKLOADS } = require('./suites/http');

const every = WORKLOADS.map(({ id }) => id);

/**
 * Rounds, and seconds of each measurement; `warmUp` is seconds before it, and `starts` the rounds of the servers whose starts are compared.
 * @typedef {typeof PRESETS.normal} Preset
 */
const PRESETS = {
  /** About thirteen minutes. */
  normal: {
    workloads: every,
    main: { starts: 10, rounds: 5, warmUp: 2, seconds: 1 },
    others: { starts: 3, rounds: 2, warmUp: 1, seconds: 1 },
    beside: { rounds: 3, warmUp: 1, seconds: 2 },
    call: { rounds: 3, seconds: 0.5 },
    start: { rounds: 9 },
    many: { count: 200 },
    instructions: true,
  },
  /** About half a minute: one round each, and only what the goals speak of most. */
  quick: {
    workloads: ['get-c64'],
    main: { starts: 1, rounds: 1, warmUp: 0, seconds: 1 },
    others: { starts: 1, rounds: 1, warmUp: 0, seconds: 1 },
    beside: { rounds: 0, warmUp: 0, seconds: 1 },
    call: { rounds: 1, seconds: 0.3 },
    start: { rounds: 1 },
    many: { count: 20 },
    instructions: true,
  },
  /** About half an hour, for figures to be published. */
  full: {
    workloads: every,
    main: { starts: 20, rounds: 9, warmUp: 3, seconds: 2 },
    others: { starts: 5, rounds: 5, warmUp: 1, seconds: 2 },
    beside: { rounds: 7, warmUp: 1, seconds: 3 },
    call: { rounds: 7, seconds: 1 },
    start: { rounds: 15 },
    many: { count: 200 },
    instructions: true,
  },
  /** For the test of the bench: every row, the least of each. */
  probe: {
    workloads: every,
    main: { starts: 1, rounds: 1, warmUp: 0, seconds: 1 },
    others: { starts: 1, rounds: 1, warmUp: 0, seconds: 1 },
    beside: { rounds: 1, warmUp: 0, seconds: 1 },
    call: { rounds: 1, seconds: 0.02 },
    start: { rounds: 1, answers: 100 },
    many: { count: 2 },
    instructions: true,
  },
};

module.exports = { PRESETS };
