/* What processes take, read from the system. */
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');

const MB = 1024 * 1024;

/**
 * @param {number} pid
 * @returns {{ rss: number, pss: number | undefined }} MB; pss, each shared page divided by its sharers, on Linux only
 */
function memoryOf(pid) {
  try {
    const text = fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
    const read = (key) => (Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(text)[1]) * 1024) / MB;
    return { rss: read('Rss'), pss: read('Pss') };
  } catch {
    const kilobytes = Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'latin1' }));
    return { rss: (kilobytes * 1024) / MB, pss: undefined };
  }
}

/** @returns {number[]} the processes that a process has started and that still run */
function childrenOf(pid) {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'latin1' });
  const lines = table.trim().split('\n').map((line) => line.trim().split(/\s+/).map(Number));
  return lines.filter(([, parent]) => parent === pid).map(([child]) => child);
}

module.exports = { memoryOf, childrenOf };
