/* Load from a process of its own, so that it shares no event loop with anything. */
'use strict';

const { spawnSync } = require('node:child_process');
const { start } = require('../processes');
const { send } = require('../client');

/**
 * @typedef {object} Aim
 * @property {string} url
 * @property {number} connections
 * @property {number} seconds
 * @property {number} body bytes of a POST body; 0: a GET
 */

/**
 * @typedef {object} Load what was reached
 * @property {number} rate requests a second
 * @property {number} p50 milliseconds
 * @property {number} p99 milliseconds
 * @property {number} max milliseconds
 * @property {number} errors answers other than 2xx, broken connections, timeouts
 */

/** How long a generator may take over its time, in milliseconds, before it is ended. */
const PATIENCE = 20_000;

/**
 * A generator by its name; wrk where it is installed, else autocannon.
 * @param {string | undefined} name
 */
function chooseGenerator(name) {
  if (name === 'probe') return probe;
  const hasWrk = spawnSync('wrk', ['--version']).error === undefined;
  return name === 'autocannon' || (name === undefined && !hasWrk) ? program(require('./autocannon')) : program(require('./wrk'));
}

function program(generator) {
  return {
    name: generator.name,
    /**
     * @param {Aim} aim
     * @returns {{ result: Promise<Load>, stop(): void }}
     */
    start(aim) {
      const [command, args] = generator.command(aim);
      const child = start(command, args);
      const result = child.ended(aim.seconds * 1000 + PATIENCE).then(({ stdout, stderr, code }) => {
        if (code !== 0) throw new Error(`${generator.name} ended with ${code}: ${stderr.trim()}`);
        return generator.parse(stdout);
      });
      return { result, stop: () => child.kill() };
    },
  };
}

/** A handful of requests, one after the other: enough to try the bench itself. */
const probe = {
  name: 'probe (a few requests from the bench itself: the figures mean nothing)',
  start(aim) {
    const run = async () => {
      const begun = performance.now();
      let errors = 0;
      for (let i = 0; i < 4; i++) if ((await send(aim.url, aim.body)).status !== 200) errors++;
      const each = (performance.now() - begun) / 4;
      return { rate: 1000 / each, p50: each, p99: each, max: each, errors };
    };
    return { result: run(), stop: () => undefined };
  },
};

module.exports = { chooseGenerator };
