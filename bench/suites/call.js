/* Calls without HTTP: alone, and with many in flight; of the runtimes, and from a program. */
'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { start } = require('../processes');
const { RUNTIMES, PROGRAMS } = require('../call/ways');
const { HOST_TIME } = require('../call/host-time');
const { spread } = require('../stats');

const child = path.join(__dirname, '../call/child.js');
const source = path.join(__dirname, '../native/roundtrip.c');

const RUNTIMES_SECTION = {
  id: 'call',
  title: 'One call, without HTTP',
  note:
    `Alone: from the call to its reply, one at a time; the byte's way, between two processes that sleep until it comes, is the ` +
    `least that the system takes for it. Awake: the same while each core has a process of the lowest priority to run, so that none ` +
    `falls asleep between two calls. In flight: each reply makes room for the next call; host time is ${HOST_TIME} for each call.`,
};

const PROGRAMS_SECTION = {
  id: 'program',
  title: 'One call from a program',
  note:
    'host.call beside what a program does by hand, with the same handler. By hand the handler gets a JSON text of two keys, and its reply ' +
    'is a string; host.call gives it the whole request of the contract, and the program status, headers and body. By hand nothing ends ' +
    'a handler that hangs, and one that crashes ends the program.',
};

/**
 * @typedef {{ id: string, label: string, tone: string, missing(): string | undefined, command(...only: string[]): string[] }} Kind
 * `command` prints what a call took as JSON; with 'alone', only that of a call that is alone.
 *
 * @param {import('../bench').Context} context
 * @returns {Promise<import('../bench').Section[]>}
 */
async function run(context) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'dlserve-bench-call-'));
  try {
    const { seconds } = context.preset.call;
    const of = (ways) => Object.entries(ways).map(([id, way]) => kindOf(id, way, seconds, context.plugins, folder));
    const sections = [];
    for (const [about, kinds] of [[RUNTIMES_SECTION, [...of(RUNTIMES), roundtrip(folder)]], [PROGRAMS_SECTION, of(PROGRAMS)]]) {
      sections.push(...(await measureKinds(about, kinds, context)));
    }
    return sections;
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

/** @param {Kind[]} kinds those of one table, measured in turn in each round */
async function measureKinds(about, kinds, { preset, progress, wanted }) {
  const { rounds, seconds } = preset.call;
  const entries = kinds.filter(({ id }) => wanted(`${about.id}/${id}`)).map((kind) => ({ ...kind, runs: [], skipped: kind.missing() }));
  if (entries.length === 0) return [];
  const measure = async (entry, round, ...only) => {
    if (entry.skipped !== undefined) return {};
    progress(`calls: ${[entry.label, ...only].join(', ')}, round ${round + 1} of ${rounds}`);
    const [command, ...args] = entry.command(...only);
    const { code, stdout, stderr } = await start(command, args).ended(seconds * 10_000 + 20_000);
    if (code === 0) return JSON.parse(stdout);
    entry.skipped = stderr.trim().split('\n').at(-1) || `it ended with ${code}`;
    return {};
  };
  for (let round = 0; round < rounds; round++) {
    for (const entry of entries) entry.runs.push(await measure(entry, round));
    await whileAwake(async () => {
      for (const entry of entries) entry.runs[round].awake = (await measure(entry, round, 'alone')).p50;
    });
  }
  return [section(about, entries, rounds, seconds)];
}

/** @returns {Kind} */
function kindOf(id, { label, tone = 'dlserve', missing }, seconds, plugins, folder) {
  return {
    id,
    label,
    tone,
    missing: () => plugins.missing('bench') ?? missing(folder),
    command: (...only) => [process.execPath, child, id, plugins.pluginpath, folder, String(seconds), ...only],
  };
}

/** @returns {Kind} what the system itself takes for a call that is alone */
function roundtrip(folder) {
  const program = path.join(folder, 'roundtrip');
  return {
    id: 'roundtrip',
    label: 'a byte to another C process and back',
    tone: 'reference',
    missing() {
      const compiled = spawnSync('cc', ['-O2', '-o', program, source], { encoding: 'utf8' });
      return compiled.status === 0 ? undefined : (compiled.error?.message ?? compiled.stderr.trim());
    },
    command: () => [program],
  };
}

/** Does something while no core can fall asleep: each has a process to run, which gives way to every other. */
async function whileAwake(act) {
  const busy = Array.from({ length: os.availableParallelism() }, () => start(process.execPath, ['-e', 'os.setPriority(19); for (;;);']));
  try {
    return await act();
  } finally {
    for (const { kill } of busy) kill();
  }
}

function section({ id, title, note }, entries, rounds, seconds) {
  const rows = entries.map(({ id, label, tone, runs, skipped }) => {
    if (skipped !== undefined) return { id, label, skipped };
    const pipelined = (depth, key) =>
      runs[0].pipelined && spread(runs.map((one) => one.pipelined.find((entry) => entry.depth === depth)[key]));
    const values = {
      p50: spread(runs.map((one) => one.p50)),
      p99: spread(runs.map((one) => one.p99)),
      awake: spread(runs.map((one) => one.awake)),
      host64: pipelined(64, 'host'),
      rate64: pipelined(64, 'rate'),
      host1024: pipelined(1024, 'host'),
      rate1024: pipelined(1024, 'rate'),
    };
    return { id, label, tone, values, cells: cells(values) };
  });
  return {
    id,
    title,
    notes: [`A GET that replies 100 B; medians of ${rounds} ${rounds === 1 ? 'round' : 'rounds'} of ${seconds} s each, in fresh processes. ${note}`],
    columns: [
      '', 'alone p50 µs', 'min–max', 'alone p99 µs', 'awake p50 µs', 'min–max',
      '64 in flight: host µs', 'calls/s', '1,024 in flight: host µs', 'calls/s',
    ],
    rows,
  };
}

function cells({ p50, p99, awake, host64, rate64, host1024, rate1024 }) {
  const two = (value) => value?.median.toFixed(2) ?? '–';
  const range = ({ min, max }) => `${min.toFixed(2)}–${max.toFixed(2)}`;
  const whole = (value) => (value === undefined ? '–' : Math.round(value.median).toLocaleString('en'));
  return [
    two(p50), range(p50), two(p99), two(awake), range(awake),
    two(host64), whole(rate64), two(host1024), whole(rate1024),
  ];
}

module.exports = { run };
