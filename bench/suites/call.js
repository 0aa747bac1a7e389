/* Calls without HTTP: alone, and with many in flight. */
'use strict';

const path = require('node:path');
const { start } = require('../processes');
const { libraryOf } = require('../plugins');
const { RUNTIMES } = require('../call/runtimes');
const { HOST_TIME } = require('../call/host-time');
const { spread } = require('../stats');

const child = path.join(__dirname, '../call/child.js');

/**
 * @param {import('../bench').Context} context
 * @returns {Promise<import('../bench').Section[]>}
 */
async function run({ preset, progress, wanted, plugins }) {
  const { rounds, seconds } = preset.call;
  const entries = Object.keys(RUNTIMES).filter((id) => wanted(`call/${id}`)).map((id) => ({ id, runs: [] }));
  if (entries.length === 0) return [];
  for (let round = 0; round < rounds; round++) {
    for (const entry of entries) {
      entry.skipped ??= plugins.missing('bench') ?? RUNTIMES[entry.id].missing();
      if (entry.skipped !== undefined) continue;
      progress(`calls: ${RUNTIMES[entry.id].label}, round ${round + 1} of ${rounds}`);
      const args = [child, entry.id, libraryOf(plugins.pluginpath, 'bench'), String(seconds)];
      const { code, stdout, stderr } = await start(process.execPath, args).ended(seconds * 10_000 + 20_000);
      if (code === 0) entry.runs.push(JSON.parse(stdout));
      else entry.skipped = stderr.trim().split('\n').at(-1) || `it ended with ${code}`;
    }
  }
  return [section(entries, rounds, seconds)];
}

function section(entries, rounds, seconds) {
  const rows = entries.map(({ id, runs, skipped }) => {
    const { label } = RUNTIMES[id];
    if (skipped !== undefined) return { id, label, skipped };
    const pipelined = (depth, key) => spread(runs.map((one) => one.pipelined.find((entry) => entry.depth === depth)[key]));
    const values = {
      p50: spread(runs.map((one) => one.p50)),
      p99: spread(runs.map((one) => one.p99)),
      host64: pipelined(64, 'host'),
      rate64: pipelined(64, 'rate'),
      host1024: pipelined(1024, 'host'),
      rate1024: pipelined(1024, 'rate'),
    };
    return { id, label, tone: id.endsWith('koffi') ? 'reference' : 'dlserve', values, cells: cells(values) };
  });
  return {
    id: 'call',
    title: 'One call, without HTTP',
    notes: [
      `A GET that replies 100 B; medians of ${rounds} ${rounds === 1 ? 'round' : 'rounds'} of ${seconds} s each, in fresh processes. Alone: from the call ` +
        `to its reply, one at a time. In flight: each reply makes room for the next call; host time is ${HOST_TIME} for each call.`,
    ],
    columns: ['mode', 'alone p50 µs', 'min–max', 'alone p99 µs', '64 in flight: host µs', 'calls/s', '1,024 in flight: host µs', 'calls/s'],
    rows,
  };
}

function cells({ p50, p99, host64, rate64, host1024, rate1024 }) {
  const two = (value) => value.toFixed(2);
  const whole = (value) => Math.round(value).toLocaleString('en');
  return [
    two(p50.median),
    `${two(p50.min)}–${two(p50.max)}`,
    two(p99.median),
    two(host64.median),
    whole(rate64.median),
    two(host1024.median),
    whole(rate1024.median),
  ];
}

module.exports = { run };
