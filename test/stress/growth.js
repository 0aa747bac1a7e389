/* What a server takes of the system, and whether that grows while it runs. */
'use strict';

const fs = require('node:fs');
const { memoryOf } = require('../../bench/resources');
const { runnersOf } = require('./runners');

/** What the last quarter of a run may have more than the second, on average. */
const MOST_MORE = { descriptors: 8, processes: 4, megabytes: 32 };

/** @param {number} pid of the server process */
function stateOf(pid) {
  const megabytes = memoryOf(pid).rss;
  if (process.platform !== 'linux') return { descriptors: 0, processes: 0, megabytes };
  return { descriptors: fs.readdirSync(`/proc/${pid}/fd`).length, processes: runnersOf(pid).length, megabytes };
}

/**
 * Compares the second quarter of a run with the last: what leaks grows from the one to the other.
 * @param {readonly ReturnType<typeof stateOf>[]} states in their order
 * @returns claims, each with what speaks against it
 */
function flatness(states) {
  const quarter = Math.max(1, Math.floor(states.length / 4));
  return Object.entries(MOST_MORE).map(([what, most]) => {
    const mean = (part) => part.reduce((sum, state) => sum + state[what], 0) / Math.max(1, part.length);
    const [first, early, late, last] = [states.slice(0, 1), states.slice(quarter, 2 * quarter), states.slice(-quarter), states.slice(-1)].map(mean);
    const words = `${early.toFixed(1)} in the second quarter, ${late.toFixed(1)} in the last (${first.toFixed(0)} at first, ${last.toFixed(0)} at the end)`;
    return { claim: `flat: ${what} ${words}`, against: late - early > most ? [`more than ${most} more`] : [] };
  });
}

module.exports = { stateOf, flatness };
