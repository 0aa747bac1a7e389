/* What processes take of the machine, read from the system. */
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
  if (process.platform === 'linux') {
    // proc(5): the children of the one thread that starts processes in Node
    return fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean).map(Number);
  }
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'latin1' });
  const lines = table.trim().split('\n').map((line) => line.trim().split(/\s+/).map(Number));
  return lines.filter(([, parent]) => parent === pid).map(([child]) => child);
}

/** What a server process is started as where it has a parent. */
const SERVER_PROCESS = 'server-process-main';

/**
 * The process in which the plugins of a server run: that itself, or the one that it supervises.
 * @param {number} pid of a server that listens
 * @returns {number} what that is now: one that dies is replaced
 */
function serverProcessOf(pid) {
  const isServerProcess = (child) => commandOf(child).includes(SERVER_PROCESS);
  return childrenOf(pid).find(isServerProcess) ?? pid;
}

function commandOf(pid) {
  return process.platform === 'linux' ? fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1') : execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'latin1' });
}

/** Of a tick in /proc: sysconf(_SC_CLK_TCK), which is 100 on every Linux that Node runs on. */
const TICK_MS = 10;

const descendantsOf = (pid) => childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);

/**
 * Processor time of a process, of those that it has started, and of theirs, milliseconds so far; undefined but on Linux.
 * @param {number} pid
 */
function processorTimeOf(pid) {
  if (process.platform !== 'linux') return undefined;
  const ticks = [pid, ...descendantsOf(pid)].map((each) => {
    // proc(5): the name, the second field, may hold spaces; 14 and 15 are user and system time.
    const fields = fs.readFileSync(`/proc/${each}/stat`, 'latin1').split(') ').at(-1).split(' ');
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, each) => sum + each, 0) * TICK_MS;
}

module.exports = { memoryOf, childrenOf, serverProcessOf, processorTimeOf };
