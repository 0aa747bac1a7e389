/* A fast handler while 50 others sleep 100 ms. */
'use strict';

const { PATHS, SMALL } = require('../reference/replies');
const { SERVERS, startServer } = require('../servers');
const { send } = require('../client');
const { spread, ratios } = require('../stats');

const SLEEPERS = 50;
const SLEEP = '/_PLUGIN/sleep/Sleep';
const IDS = ['thread-fast', 'process-fast', 'koffi-async'];
/** Connections of the fast handler. */
const CONNECTIONS = [64, 1];

/** What 50 handlers of 100 ms can give at best. */
const BEST_SLEEP_RATE = SLEEPERS / 0.1;

/**
 * @param {import('../bench').Context} context
 * @returns {Promise<import('../bench').Section[]>}
 */
async function run(context) {
  const { preset, progress, wanted } = context;
  const { rounds, seconds } = preset.beside;
  const cases = IDS.flatMap((id) => CONNECTIONS.map((connections) => ({ id, connections, alone: [], beside: [], sleeping: [] })));
  const chosen = cases.filter(({ id }) => rounds > 0 && wanted(`beside/${id}`));
  for (let round = 0; round < rounds; round++) {
    for (const entry of chosen) {
      if (entry.skipped !== undefined) continue;
      progress(`${SLEEPERS} sleeping handlers: ${SERVERS[entry.id].label}, ${entry.connections} connections, round ${round + 1} of ${rounds}`);
      try {
        // First one, then the other.
        for (const withSleepers of round % 2 === 0 ? [false, true] : [true, false]) {
          const { fast, slow } = await measureOnce(entry, withSleepers, seconds, context);
          (withSleepers ? entry.beside : entry.alone).push(fast);
          if (slow !== undefined) entry.sleeping.push(slow);
        }
      } catch (error) {
        entry.skipped = error.message;
      }
    }
  }
  return chosen.length === 0 ? [] : [section(chosen, rounds, seconds)];
}

async function measureOnce({ id, connections }, withSleepers, seconds, { plugins, generator, preset }) {
  const missing = plugins.missing('bench') ?? plugins.missing('sleep');
  if (missing !== undefined) throw new Error(missing);
  const server = await startServer(SERVERS[id], plugins.pluginpath);
  let sleepers;
  try {
    const url = `${server.url}${PATHS.small}`;
    const answers = [await send(url), await send(`${server.url}${SLEEP}`)];
    const bad = answers.find(({ status }) => status !== 200);
    if (bad !== undefined || answers[0].text !== SMALL) throw new Error(`${bad?.status} ${bad?.text}`);
    if (withSleepers) {
      const long = preset.beside.warmUp + seconds + 1;
      sleepers = generator.start({ url: `${server.url}${SLEEP}`, connections: SLEEPERS, seconds: long, body: 0 });
      sleepers.result.catch(() => undefined);
    }
    if (preset.beside.warmUp > 0) await generator.start({ url, connections, seconds: preset.beside.warmUp, body: 0 }).result;
    const fast = await generator.start({ url, connections, seconds, body: 0 }).result;
    return { fast, slow: await sleepers?.result };
  } finally {
    sleepers?.stop();
    await server.stop();
  }
}

function section(cases, rounds, seconds) {
  const rows = cases.map(({ id, connections, alone, beside, sleeping, skipped }) => {
    const label = `${SERVERS[id].label}, ${connections} ${connections === 1 ? 'connection' : 'connections'}`;
    const row = { id: `${id}-c${connections}`, label };
    if (skipped !== undefined) return { ...row, skipped };
    const values = {
      alone: spread(alone.map(({ p99 }) => p99)),
      beside: spread(beside.map(({ p99 }) => p99)),
      ratio: ratios(beside.map(({ p99 }) => p99), alone.map(({ p99 }) => p99)),
      sleepRate: spread(sleeping.map(({ rate }) => rate)).median,
    };
    return { ...row, tone: SERVERS[id].mode === undefined ? 'reference' : 'dlserve', values, cells: cells(values) };
  });
  return {
    id: 'beside',
    title: `A fast handler while ${SLEEPERS} others sleep 100 ms`,
    notes: [
      `p99 of GET, reply 100 B; medians of ${rounds} ${rounds === 1 ? 'round' : 'rounds'} of ${seconds} s. The sleeping plugin is another ` +
        `one and declares PluginConcurrency 0. All ${SLEEPERS} sleep at once where they answer about ${BEST_SLEEP_RATE} requests/s.`,
    ],
    columns: ['server', 'p99 alone ms', 'p99 beside ms', 'ratio', 'min–max', 'sleeping requests/s'],
    rows,
  };
}

function cells({ alone, beside, ratio, sleepRate }) {
  const two = (value) => value.toFixed(2);
  return [two(alone.median), two(beside.median), two(ratio.median), `${two(ratio.min)}–${two(ratio.max)}`, Math.round(sleepRate).toString()];
}

module.exports = { run };
