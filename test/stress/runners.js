/* The processes of plugins, found from outside. Linux only. */
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const read = (pid, file) => {
  try {
    return fs.readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
};

/** proc(5): after the name, which stands in parentheses, come the state and the parent. */
const statOf = (pid) => {
  const [state, parent] = read(pid, 'stat').split(') ').at(-1).split(' ');
  return { state, parent: Number(parent) };
};

/** A runner names its library and its host in its arguments. */
function asRunner(pid) {
  const [program, library, host] = read(pid, 'cmdline').split('\0');
  return path.basename(program) === 'runner' ? { pid, plugin: path.parse(library).name, host: Number(host) } : undefined;
}

/**
 * The runners that a server has started and that have not ended.
 * @param {number} server
 * @returns {{ pid: number, plugin: string, host: number }[]}
 */
function runnersOf(server) {
  const children = read(server, `task/${server}/children`).trim().split(' ').filter(Boolean);
  return children.map((pid) => asRunner(Number(pid))).filter((runner) => runner !== undefined);
}

/** Those that are left of a server that is gone. */
function orphansOf(server) {
  if (process.platform !== 'linux') return [];
  const pids = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);
  return pids.map(asRunner).filter((runner) => runner?.host === server && statOf(runner.pid).state !== 'Z');
}

module.exports = { runnersOf, orphansOf };
