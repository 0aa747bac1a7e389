/* The server under stress. */
'use strict';

const path = require('node:path');
const { setInterval, clearInterval } = require('node:timers');
const { memoryOf, serverProcessOf } = require('../../bench/resources');
const { start } = require('../../bench/processes');

const main = path.resolve(__dirname, '../../dist/cli/main.js');

/** A signal of a plugin may write a core file, which takes longer than all else here. */
const WITHOUT_CORES = 'ulimit -c 0; exec "$@"';
const STOP_LIMIT = 30_000;

/**
 * Starts `dlserve serve` in a folder and waits until it listens.
 * @param {string} folder
 */
async function startServer(folder) {
  const env = { ...process.env };
  for (const name of Object.keys(env)) if (name.startsWith('PREST_')) delete env[name];
  const args = [process.execPath, main, 'serve', '--port', '0', '--log-level', 'warn'];
  const child = start('sh', ['-c', WITHOUT_CORES, 'sh', ...args], { cwd: folder, env });
  const [, url] = await child.printed(/listens on (http:\S+)/);
  return {
    url,
    /** Of the process in which the plugins run. */
    pid: serverProcessOf(child.pid),
    kill: child.kill,
    said: child.logged,
    /** Resolves with its exit code and its log. */
    async stop() {
      child.kill('SIGTERM');
      const { code, stderr } = await child.ended(STOP_LIMIT);
      return { code, log: stderr };
    },
  };
}

/**
 * Looks at the memory of a process each second until it is told to stop.
 * @param {number} pid
 */
function watchMemory(pid) {
  const samples = [memoryOf(pid).rss];
  const timer = setInterval(() => samples.push(memoryOf(pid).rss), 1000);
  return {
    /** @returns {number[]} MB, one a second */
    stop() {
      clearInterval(timer);
      return samples;
    },
  };
}

/**
 * The ends of processes, as the log tells them.
 * @param {string} log
 * @returns {import('./accounts').Death[]}
 */
function readDeaths(log) {
  return log.split('\n').filter((line) => line.includes('"requests":')).map((line) => JSON.parse(line));
}

module.exports = { startServer, watchMemory, readDeaths };
