/* From the start of the process to its first answers, and the memory that all of it takes. */
'use strict';

const { PATHS } = require('../reference/replies');
const { MODES, SERVERS, startServer } = require('../servers');
const { send, keptConnection } = require('../client');
const { memoryOf, childrenOf } = require('../resources');
const { spread, percentile } = require('../stats');

const IDS = ['node-http', 'express-send', ...MODES.map((mode) => `${mode}-fast`)];

/** Answers before the memory is read for the second time: enough for the compilers of V8 and for some collections. */
const ANSWERS = 5_000;

const RECOVERY_LIMIT = 30_000;

/**
 * @param {import('../bench').Context} context
 * @returns {Promise<import('../bench').Section[]>}
 */
async function run(context) {
  const { preset, progress, wanted } = context;
  const entries = IDS.map((id) => ({ id, runs: [] })).filter(({ id }) => wanted(`start/${id}`));
  if (entries.length === 0) return [];
  for (let round = 0; round < preset.start.rounds; round++) {
    for (const entry of entries) {
      if (entry.skipped !== undefined) continue;
      progress(`start and memory: ${SERVERS[entry.id].label}, round ${round + 1} of ${preset.start.rounds}`);
      try {
        entry.runs.push(await measureOnce(SERVERS[entry.id], preset.start.answers ?? ANSWERS, context));
      } catch (error) {
        entry.skipped = error.message;
      }
    }
  }
  return [startSection(entries, preset.start.rounds), memorySection(entries, preset.start)];
}

async function measureOnce(kind, answers, { plugins }) {
  const missing = kind.mode === undefined ? undefined : plugins.missing('bench');
  if (missing !== undefined) throw new Error(missing);
  const server = await startServer(kind, plugins.pluginpath);
  const agent = keptConnection();
  try {
    const ask = async () => {
      const begun = performance.now();
      const { status, text } = await send(`${server.url}${PATHS.small}`, 0, agent);
      if (status !== 200) throw new Error(`${status} ${text}`);
      return performance.now() - begun;
    };
    // The connection and the client are warm before the plugin is asked for.
    for (let i = 0; i < 50; i++) await send(`${server.url}/_health`, 0, agent);
    const idle = memoryOf(server.pid);
    const first = await ask();
    const warm = [];
    for (let i = 0; i < 200; i++) warm.push(await ask());
    const opened = memoryOf(server.pid);
    for (let i = 0; i < answers; i += 50) await Promise.all(Array.from({ length: 50 }, ask));
    const worked = memoryOf(server.pid);
    const runners = childrenOf(server.pid).map(memoryOf);
    const parent = server.parent === undefined ? undefined : memoryOf(server.parent);
    const recovery = server.parent === undefined ? undefined : await recover(server, agent);
    return { listening: server.listening, recovery, first, warm: percentile(warm, 50), idle, opened, worked, parent, runner: runners[0] };
  } finally {
    agent.destroy();
    await server.stop();
  }
}

/** Milliseconds from a crash of the server process to the first answer of a plugin of its successor. */
async function recover({ url, pid }, agent) {
  const begun = performance.now();
  process.kill(pid, 'SIGSEGV');
  for (;;) {
    // What reaches the one that dies is lost; what comes after that waits for its successor.
    const status = await send(`${url}${PATHS.small}`, 0, agent).then((answer) => answer.status, () => undefined);
    const passed = performance.now() - begun;
    if (status === 200 && !isAlive(pid)) return passed;
    if (passed > RECOVERY_LIMIT) throw new Error(`no answer within ${RECOVERY_LIMIT} ms of a crash`);
  }
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const one = (value) => value.toFixed(1);
const range = ({ min, max }) => `${one(min)}–${one(max)}`;

function rowsOf(entries, fill) {
  return entries.map(({ id, runs, skipped }) => {
    const { label, mode } = SERVERS[id];
    if (skipped !== undefined) return { id, label, skipped };
    return { id, label, tone: mode === undefined ? 'reference' : 'dlserve', ...fill(runs, mode) };
  });
}

function startSection(entries, rounds) {
  const rows = rowsOf(entries, (runs, mode) => {
    const values = {
      listening: spread(runs.map(({ listening }) => listening)),
      first: spread(runs.map(({ first }) => first)),
      warm: spread(runs.map(({ warm }) => warm)),
      recovery: runs[0].recovery && spread(runs.map(({ recovery }) => recovery)),
    };
    const recovery = values.recovery === undefined ? ['–', '–'] : [one(values.recovery.median), range(values.recovery)];
    const first = mode === undefined ? ['–', '–'] : [one(values.first.median), range(values.first)];
    return { values, cells: [one(values.listening.median), range(values.listening), ...first, values.warm.median.toFixed(2), ...recovery] };
  });
  return {
    id: 'start',
    title: 'Start',
    notes: [
      `Medians of ${rounds} ${rounds === 1 ? 'start' : 'starts'}, nothing to build. Listening: from the start of the process to its line. First call: ` +
        'the first request of all for a plugin, which loads what its mode needs, opens the library and calls its handler; then the median of 200 more. ' +
        'After a crash: from the end of the server process, by a signal, to the first answer of a plugin in the one that replaces it.',
    ],
    columns: ['server', 'listening ms', 'min–max', 'first call ms', 'min–max', 'warm call ms', 'after a crash ms', 'min–max'],
    rows,
  };
}

function memorySection(entries, { rounds, answers = ANSWERS }) {
  const rows = rowsOf(entries, (runs) => {
    const values = {
      idle: spread(runs.map(({ idle }) => idle.rss)),
      opened: spread(runs.map(({ opened }) => opened.rss)),
      worked: spread(runs.map(({ worked }) => worked.rss)),
      workedPss: runs[0].worked.pss === undefined ? undefined : spread(runs.map(({ worked }) => worked.pss)),
      parent: runs[0].parent && spread(runs.map(({ parent }) => parent.rss)),
      parentPss: runs[0].parent?.pss === undefined ? undefined : spread(runs.map(({ parent }) => parent.pss)),
      runner: runs[0].runner && spread(runs.map(({ runner }) => runner.rss)),
      runnerPss: runs[0].runner?.pss === undefined ? undefined : spread(runs.map(({ runner }) => runner.pss)),
    };
    const { idle, opened, worked, workedPss, parent, parentPss, runner, runnerPss } = values;
    const cells = [idle, opened, worked, workedPss, parent, parentPss, runner, runnerPss].map((cell) => (cell === undefined ? '–' : one(cell.median)));
    return { values, cells };
  });
  return {
    id: 'memory',
    title: 'Memory, MB',
    notes: [
      `Medians of ${rounds}. Idle: listening, no plugin asked for yet. Opened: after its first 200 calls. Worked: after ${answers.toLocaleString('en')} ` +
        'more, 50 at a time. PSS counts a page that several processes share in parts. Parent: supervises the server process, in modes inline and thread.',
    ],
    columns: ['server', 'idle RSS', 'opened RSS', 'worked RSS', 'worked PSS', 'parent RSS', 'parent PSS', 'runner RSS', 'runner PSS'],
    rows,
  };
}

module.exports = { run };
