/* Requests a second and latencies through HTTP. */
'use strict';

const { PATHS, SMALL, MEDIUM, LARGE, lengthReply } = require('../reference/replies');
const { SERVERS, startServer } = require('../servers');
const { send } = require('../client');
const { processorTimeOf } = require('../resources');
const { spread, ratios, median } = require('../stats');

const DLSERVE = Object.values(SERVERS).filter(({ mode }) => mode !== undefined).map(({ id }) => id);
const BASES = ['node-http', 'express-send'];
/** What the goals by start compare: started more often than the others, since some starts may be slower than others for as long as they live. */
const STEADY = ['node-http', 'inline-fast', 'thread-fast', 'process-fast'];

/**
 * @typedef {object} Workload
 * @property {string} id
 * @property {string} title
 * @property {string} path
 * @property {number} body bytes of a POST body; 0: a GET
 * @property {string} reply what every server must answer
 * @property {number} connections
 * @property {readonly string[]} servers
 * @property {string} [plugin] that it needs; "bench" unless given
 */

/** @type {readonly Workload[]} */
const WORKLOADS = [
  get('get-c64', 'GET, reply 100 B, 64 connections', PATHS.small, SMALL, 64, Object.keys(SERVERS)),
  get('get-c1', 'GET, reply 100 B, 1 connection', PATHS.small, SMALL, 1),
  get('get-c1000', 'GET, reply 100 B, 1,000 connections', PATHS.small, SMALL, 1000),
  get('get-64kb', 'GET, reply 64 KB, 64 connections', PATHS.medium, MEDIUM, 64),
  get('get-1mb', 'GET, reply 1 MB, 64 connections', PATHS.large, LARGE, 64),
  post('post-1kb', 'POST, body 1 KB, 64 connections', 1024),
  post('post-1mb', 'POST, body 1 MB, 64 connections', 1024 * 1024),
  post('raw-64kb', 'POST, body 64 KB read raw, 64 connections', 64 * 1024, PATHS.raw),
  post('raw-1mb', 'POST, body 1 MB read raw, 64 connections', 1024 * 1024, PATHS.raw),
  { ...get('go-c64', 'GET from a Go plugin, reply 100 B, 64 connections', PATHS.goSmall, SMALL, 64), plugin: 'gobench' },
];

function get(id, title, path, reply, connections, servers = [...BASES, ...DLSERVE]) {
  return { id, title, path, body: 0, reply, connections, servers };
}

function post(id, title, body, path = PATHS.length) {
  return { id, title, path, body, reply: lengthReply(body), connections: 64, servers: [...BASES, ...DLSERVE] };
}

/** The workload that the goals are stated for; it gets more rounds than the others. */
const MAIN = 'get-c64';

/**
 * @param {import('../bench').Context} context
 * @returns {Promise<import('../bench').Section[]>}
 */
async function run(context) {
  const sections = [];
  for (const workload of WORKLOADS) {
    if (!context.preset.workloads.includes(workload.id)) continue;
    const servers = workload.servers.filter((id) => context.wanted(`http/${workload.id}/${id}`));
    if (servers.length === 0) continue;
    // Without its references a figure says nothing.
    const ids = workload.servers.filter((id) => BASES.includes(id) || servers.includes(id));
    sections.push(await measure(workload, ids, context));
  }
  return sections;
}

async function measure(workload, ids, context) {
  const { preset, progress } = context;
  const times = workload.id === MAIN ? preset.main : preset.others;
  const { starts } = times;
  /** @type {Map<string, { loads: (import('../load/load').Load & { cpu: number })[], skipped?: string }>} */
  const measured = new Map(ids.map((id) => [id, { loads: [] }]));
  for (let round = 0; round < starts; round++) {
    // Each round begins with another server, so that none is always first or last.
    for (let i = 0; i < ids.length; i++) {
      const id = ids[(i + round) % ids.length];
      const entry = measured.get(id);
      const mine = startsOf(id, times);
      if (entry.skipped !== undefined || round >= mine) continue;
      progress(`${workload.title}: ${SERVERS[id].label}, start ${round + 1} of ${mine}`);
      try {
        entry.loads.push(await measureOnce(workload, SERVERS[id], times, context));
      } catch (error) {
        entry.skipped = error.message;
      }
    }
  }
  return section(workload, measured, times);
}

const startsOf = (id, { rounds, starts }) => (STEADY.includes(id) ? starts : rounds);

async function measureOnce(workload, kind, { seconds, warmUp }, { plugins, generator }) {
  const missing = kind.mode === undefined ? undefined : plugins.missing(workload.plugin ?? 'bench');
  if (missing !== undefined) throw new Error(missing);
  const server = await startServer(kind, plugins.pluginpath);
  try {
    const { path, body, connections } = workload;
    const url = `${server.url}${path}`;
    await check(url, workload);
    if (warmUp > 0) await generator.start({ url, connections, seconds: warmUp, body }).result;
    const spentSoFar = () => processorTimeOf(server.parent ?? server.pid);
    const before = spentSoFar();
    const load = await generator.start({ url, connections, seconds, body }).result;
    server.assertAlive();
    const spent = spentSoFar() - before;
    await check(url, workload);
    return { ...load, cpu: (spent * 1000) / (load.rate * seconds) };
  } finally {
    await server.stop();
  }
}

/** Every server must give the same answer, before and after. */
async function check(url, { body, reply }) {
  const { status, text } = await send(url, body);
  if (status !== 200) throw new Error(`${status} ${text.slice(0, 200)}`);
  if (text !== reply) throw new Error(`a wrong reply of ${text.length} characters: ${text.slice(0, 60)}`);
}

const COLUMNS = ['server', 'requests/s', 'min–max', 'of node:http', 'worst–best start', 'of Express', 'p50 ms', 'p99 ms', 'CPU µs', 'worst start', 'errors'];

function section(workload, measured, times) {
  const rates = (id) => measured.get(id)?.loads.map(({ rate }) => rate) ?? [];
  const against = (id, base) => {
    // Both have the first rounds, unless one has failed.
    const both = Math.min(rates(base).length, rates(id).length);
    return both > 0 ? ratios(rates(id).slice(0, both), rates(base).slice(0, both)) : undefined;
  };
  const rows = Array.from(measured, ([id, { loads, skipped }]) => {
    const { label, mode } = SERVERS[id];
    if (skipped !== undefined || loads.length === 0) return { id, label, skipped: skipped ?? 'nothing was measured' };
    const rate = spread(rates(id));
    const values = {
      rate,
      ofNode: against(id, 'node-http'),
      ofSend: against(id, 'express-send'),
      ofEnd: against(id, 'express-end'),
      p50: median(loads.map(({ p50 }) => p50)),
      p99: median(loads.map(({ p99 }) => p99)),
      cpu: spread(loads.map(({ cpu }) => cpu)),
      errors: loads.reduce((sum, { errors }) => sum + errors, 0),
    };
    return { id, label, tone: mode === undefined ? 'reference' : 'dlserve', values, cells: cells(values) };
  });
  return {
    id: `http/${workload.id}`,
    title: workload.title,
    notes: [
      `Medians of ${count(times.starts)} of the fast lane and of node:http, and of ${count(times.rounds)} of the others, each of ${times.seconds} s after ` +
        `${times.warmUp} s to warm up; ratios within a round. CPU: processor time of server, its parent and runner for each request.`,
    ],
    columns: COLUMNS,
    rows,
  };
}

const count = (starts) => `${starts} ${starts === 1 ? 'start' : 'starts'}`;

function cells({ rate, ofNode, ofSend, p50, p99, cpu, errors }) {
  const whole = (value) => Math.round(value).toLocaleString('en');
  const two = (value) => value?.toFixed(2) ?? '–';
  return [
    whole(rate.median),
    `${whole(rate.min)}–${whole(rate.max)}`,
    two(ofNode?.median),
    ofNode === undefined ? '–' : `${two(ofNode.min)}–${two(ofNode.max)}`,
    two(ofSend?.median),
    p50.toFixed(2),
    p99.toFixed(2),
    ...[cpu.median, cpu.max].map((value) => (Number.isNaN(value) ? '–' : value.toFixed(1))),
    String(errors),
  ];
}

module.exports = { run, WORKLOADS, MAIN };
