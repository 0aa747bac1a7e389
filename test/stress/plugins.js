/* The plugins that are stressed: one library under several settings, and one in Go. */
'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

/**
 * @typedef {object} Plugin
 * @property {string} name
 * @property {string} source in plugins/
 * @property {'process' | 'thread'} mode
 * @property {number} concurrency threads of one process
 * @property {number | string} workers processes, or the fewest and the most
 * @property {Readonly<Record<string, string | number>>} ways its guilty handlers, and by which signal or with which status the process ends
 * @property {boolean} [hangs] whether it has a handler that never returns
 */

const WAYS_C = { Segv: 'SIGSEGV', Abort: 'SIGABRT', Exit: 0, Overflow: 'SIGSEGV' };
const WAYS_GO = { Panic: 'SIGABRT', Exit: 0 };

/** @type {readonly Plugin[]} */
const PLUGINS = [
  { name: 'serial', source: 'target.c', mode: 'process', concurrency: 1, workers: '1-4', ways: WAYS_C, hangs: true },
  { name: 'threads', source: 'target.c', mode: 'process', concurrency: 8, workers: '1-4', ways: WAYS_C, hangs: true },
  { name: 'processes', source: 'target.c', mode: 'process', concurrency: 1, workers: 4, ways: WAYS_C, hangs: true },
  { name: 'both', source: 'target.c', mode: 'process', concurrency: 4, workers: '2-4', ways: WAYS_C, hangs: true },
  // A Go runtime ends its process by itself, so that nobody can say which of several calls it was.
  { name: 'gopher', source: 'gopher', mode: 'process', concurrency: 1, workers: '1-4', ways: WAYS_GO },
  { name: 'bystander', source: 'target.c', mode: 'thread', concurrency: 4, workers: 1, ways: {} },
];

/** Milliseconds that a call may take: so long a stopped process can keep what it was executing. */
const TIMEOUT = 3000;

/** Why a plugin can't be built here; undefined where it can. */
function missing({ source }) {
  return source === 'gopher' && spawnSync('go', ['version']).status !== 0 ? 'there is no go' : undefined;
}

/**
 * Writes the sources and prest.toml of a server.
 * @param {string} folder
 * @param {readonly Plugin[]} plugins
 * @param {string} tally file
 * @param {number} queue calls that may wait
 */
function writePlugins(folder, plugins, tally, queue) {
  const src = path.join(folder, 'lib/src');
  const here = path.join(__dirname, 'plugins');
  fs.mkdirSync(src, { recursive: true });
  let toml = `[plugins]\ntimeout = "${TIMEOUT}ms"\nqueuetimeout = "20s"\nqueue = ${queue}\nfaultcalls = 1000000\nretry = true\ncflags = ["-I${here}"]\n`;
  for (const { name, source, mode, concurrency, workers } of plugins) {
    fs.cpSync(path.join(here, source), path.join(src, name + path.extname(source)), { recursive: true });
    toml += `[plugin.${name}]\nmode = "${mode}"\nconcurrency = ${concurrency}\nworkers = ${JSON.stringify(workers)}\n`;
    toml += `[plugin.${name}.config]\ntally = ${JSON.stringify(tally)}\n`;
  }
  fs.writeFileSync(path.join(folder, 'prest.toml'), toml);
}

module.exports = { PLUGINS, TIMEOUT, missing, writePlugins };
