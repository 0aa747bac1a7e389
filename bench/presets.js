/* How long the bench may take. */
'use strict';

const { WORKLOADS } = require('./suites/http');

const every = WORKLOADS.map(({ id }) => id);

/**
 * Rounds, and seconds of each measurement; `warmUp` is seconds before it.
 * @typedef {typeof PRESETS.normal} Preset
 */
const PRESETS = {
  /** About ten minutes. */
  normal: {
    workloads: every,
    warmUp: 1,
    main: { rounds: 5, seconds: 2 },
    others: { rounds: 2, seconds: 1 },
    beside: { rounds: 3, seconds: 2 },
    call: { rounds: 3, seconds: 0.5 },
    start: { rounds: 9 },
    many: { count: 200 },
    instructions: true,
  },
  /** About half a minute: one round each, and only what the goals speak of most. */
  quick: {
    workloads: ['get-c64'],
    warmUp: 0,
    main: { rounds: 1, seconds: 1 },
    others: { rounds: 1, seconds: 1 },
    beside: { rounds: 0, seconds: 1 },
    call: { rounds: 1, seconds: 0.3 },
    start: { rounds: 1 },
    many: { count: 20 },
    instructions: true,
  },
  /** About half an hour, for figures to be published. */
  full: {
    workloads: every,
    warmUp: 1,
    main: { rounds: 9, seconds: 4 },
    others: { rounds: 5, seconds: 2 },
    beside: { rounds: 7, seconds: 3 },
    call: { rounds: 7, seconds: 1 },
    start: { rounds: 15 },
    many: { count: 200 },
    instructions: true,
  },
  /** For the test of the bench: every row, the least of each. */
  probe: {
    workloads: every,
    warmUp: 0,
    main: { rounds: 1, seconds: 1 },
    others: { rounds: 1, seconds: 1 },
    beside: { rounds: 1, seconds: 1 },
    call: { rounds: 1, seconds: 0.02 },
    start: { rounds: 1, answers: 100 },
    many: { count: 2 },
    instructions: true,
  },
};

module.exports = { PRESETS };
