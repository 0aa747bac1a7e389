'use strict';

const { parseArgs } = require('node:util');
const { PLUGINS } = require('./plugins');

const USAGE = `npm run stress -- [options]

  --seconds N       how long the load lasts (10)
  --connections N   clients, each with a connection that it keeps (64)
  --guilty SHARE    requests that crash, of all (0.01; beyond 0.1 a plugin would be waiting to restart most of its time)
  --hangs SHARE     requests that hang, of all (0.001; at most 0.01)
  --kills N         runners of each plugin that are killed or stopped from outside each second (2; at most 5, likewise)
  --stops SHARE     of these, those that are stopped for good, which costs the call inside (0)
  --crashes N       so many crashes in place of all that, and what they leave behind in the server
  --reload          a plugin that is replaced under load, in place of all that
  --reloads N,N     how often: in mode process, a tenth of that with several processes, and in mode thread (1000,200)
  --plugins A,B     only these of ${PLUGINS.map(({ name }) => name).join(', ')}
  --seed N          repeats the requests of an earlier run (random, and printed)`;

/**
 * @param {readonly string[]} args
 * @returns {{ seconds: number, connections: number, guilty: number, hangs: number, kills: number, stops: number, crashes: number, reload: boolean, reloads: number[],
 *   seed: number, plugins: readonly import('./plugins').Plugin[] } | undefined} undefined: the usage was printed
 */
function readOptions(args) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '10' },
      connections: { type: 'string', default: '64' },
      guilty: { type: 'string', default: '0.01' },
      hangs: { type: 'string', default: '0.001' },
      kills: { type: 'string', default: '2' },
      stops: { type: 'string', default: '0' },
      crashes: { type: 'string', default: '0' },
      reload: { type: 'boolean', default: false },
      reloads: { type: 'string', default: '1000,200' },
      plugins: { type: 'string' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return undefined;
  }
  const names = values.plugins?.split(',');
  const unknown = names?.find((name) => !PLUGINS.some((plugin) => plugin.name === name));
  if (unknown !== undefined) throw new Error(`--plugins: there is no ${unknown}`);
  return {
    seconds: number('seconds', values.seconds, 1, 86_400),
    connections: number('connections', values.connections, 1, 10_000),
    guilty: number('guilty', values.guilty, 0, 0.1),
    hangs: number('hangs', values.hangs, 0, 0.01),
    kills: number('kills', values.kills, 0, 5),
    stops: number('stops', values.stops, 0, 1),
    crashes: number('crashes', values.crashes, 0, 10_000_000),
    reload: values.reload,
    reloads: reloads(values.reloads),
    seed: number('seed', values.seed, 0, 2 ** 32),
    plugins: PLUGINS.filter(({ name }) => names?.includes(name) ?? true),
  };
}

function number(option, text, least, most) {
  const value = Number(text);
  if (!(value >= least && value <= most)) throw new Error(`--${option} is a number from ${least} to ${most}, not ${text}`);
  return value;
}

function reloads(text) {
  const counts = text.split(',').map((count) => number('reloads', count, 1, 1_000_000));
  if (counts.length !== 2) throw new Error(`--reloads are two numbers, not ${text}`);
  return counts;
}

module.exports = { readOptions, USAGE };
