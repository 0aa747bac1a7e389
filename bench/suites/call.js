/* Calls without HTTP: alone, and with many in flight. */
'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
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
  const reference = wanted('call/roundtrip') ? roundtrip(progress, rounds) : [];
  const entries = Object.keys(RUNTIMES).filter((id) => wanted(`call/${id}`)).map((id) => ({ id, runs: [] }));
  if (entries.length + reference.length === 0) return [];
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
  return [section(entries, reference, rounds, seconds)];
}

/** What the system itself takes for a call that is alone. */
function roundtrip(progress, rounds) {
  const row = { id: 'roundtrip', label: 'a byte to another C process and back' };
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'dlserve-bench-roundtrip-'));
  try {
    const program = path.join(folder, 'roundtrip');
    const compiled = spawnSync('cc', ['-O2', '-o', program, path.join(__dirname, '../native/roundtrip.c')], { encoding: 'utf8' });
    if (compiled.status !== 0) return [{ ...row, skipped: compiled.error?.message ?? compiled.stderr.trim() }];
    progress(`calls: ${row.label}`);
    const runs = Array.from({ length: rounds }, () => JSON.parse(spawnSync(program, { encoding: 'utf8', timeout: 60_000 }).stdout));
    const values = { p50: spread(runs.map(({ p50 }) => p50)), p99: spread(runs.map(({ p99 }) => p99)) };
    return [{ ...row, tone: 'reference', values, cells: cells(values) }];
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

function section(entries, reference, rounds, seconds) {
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
        `to its reply, one at a time; the byte's way, between two processes that sleep until it comes, is the least that the system ` +
        `takes for it. In flight: each reply makes room for the next call; host time is ${HOST_TIME} for each call.`,
    ],
    columns: ['mode', 'alone p50 µs', 'min–max', 'alone p99 µs', '64 in flight: host µs', 'calls/s', '1,024 in flight: host µs', 'calls/s'],
    rows: [...rows, ...reference],
  };
}

function cells({ p50, p99, host64, rate64, host1024, rate1024 }) {
  const two = (value) => value?.median.toFixed(2) ?? '–';
  const whole = (value) => (value === undefined ? '–' : Math.round(value.median).toLocaleString('en'));
  return [
    two(p50),
    `${p50.min.toFixed(2)}–${p50.max.toFixed(2)}`,
    two(p99),
    two(host64),
    whole(rate64),
    two(host1024),
    whole(rate1024),
  ];
}

module.exports = { run };
