/* Child processes of the bench; none outlives it. */
'use strict';

const { spawn } = require('node:child_process');

/** @type {Set<import('node:child_process').ChildProcess>} */
const alive = new Set();

process.on('exit', () => alive.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, cwd?: string }} [options]
 */
function start(command, args, options = {}) {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  const waiting = new Set();
  let read = 0;
  const tell = () => waiting.forEach((look) => look());
  let end;
  alive.add(child);
  child.stdout.on('data', (chunk) => ((output.stdout += chunk), tell()));
  child.stderr.on('data', (chunk) => ((output.stderr += chunk), tell()));
  const finish = (code, signal) => {
    end ??= { code: code ?? signal, ...output };
    alive.delete(child);
    tell();
  };
  child.on('error', (error) => finish(error.message));
  child.on('close', finish);

  /** Resolves with the first value of `probe` that is not undefined; looks at each output. */
  function until(probe, limit, what) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle(() => reject(new Error(`${what} not within ${limit} ms`))), limit);
      const settle = (act) => {
        clearTimeout(timer);
        waiting.delete(look);
        act();
      };
      const look = () => {
        const value = probe();
        if (value !== undefined) settle(() => resolve(value));
        else if (end !== undefined) settle(() => reject(new Error(lastLine(end.stderr) || `ended with ${end.code}`)));
      };
      waiting.add(look);
      look();
    });
  }

  return {
    pid: child.pid,
    /** How it ended; undefined while it runs. */
    ending: () => (end === undefined ? undefined : `ended with ${end.code}: ${lastLine(end.stderr) || 'without a word'}`),
    kill: (signal = 'SIGKILL') => child.kill(signal),
    /** Resolves with what `pattern` found in standard output. */
    printed: (pattern, limit = 20_000) => until(() => pattern.exec(output.stdout) ?? undefined, limit, `${pattern} was printed`),
    /** Resolves with the next that `pattern` finds in standard error, behind what was found there before. */
    logged: (pattern, limit = 20_000) =>
      until(() => {
        const found = pattern.exec(output.stderr.slice(read)) ?? undefined;
        if (found !== undefined) read += found.index + found[0].length;
        return found;
      }, limit, `${pattern} was logged`),
    /** Resolves with the exit; the process is killed at the limit, in milliseconds. */
    async ended(limit) {
      const timer = setTimeout(() => child.kill('SIGKILL'), limit);
      const ending = await until(() => end, limit + 5_000, 'the process ended');
      clearTimeout(timer);
      return ending;
    },
  };
}

const lastLine = (text) => text.trim().split('\n').at(-1) ?? '';

module.exports = { start };
