/* npm run stress -- --reload: a plugin that is replaced again and again under load, by good libraries and by broken ones. No request may
 * fail, and nothing may be left of the generations that are gone. */
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setTimeout } = require('node:timers/promises');
const { flatness, stateOf } = require('./growth');
const { Clients, DIGITS, LIMIT } = require('./reload-clients');
const { judgement } = require('./report');
const { orphansOf, runnersOf } = require('./runners');
const { startServer } = require('./server');

const MARK = 'GENERATION=';
/** Before every so many reloads, one of these is tried. */
const BROKEN_EACH = 10;
const BROKEN = [
  (library) => library.subarray(0, library.length / 2),
  () => Buffer.from('this is no library'),
  // A PluginInit that refuses.
  (library) => numbered(library, 90_000_000),
];

/**
 * @typedef {object} Variant
 * @property {'process' | 'thread'} mode
 * @property {number} count of reloads
 * @property {number} connections
 * @property {string} settings of the plugin, as TOML
 * @property {number} wait milliseconds that a call takes at least
 */

/**
 * @param {{ connections: number, reloads: readonly number[] }} options
 * @returns {Promise<boolean>} whether all is as it should be
 */
async function stressReloads({ connections, reloads: [inProcess, inThread] }) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'dlserve-reload-'));
  const library = compile(folder);
  const variants = [
    { mode: 'process', count: inProcess, connections, settings: '', wait: 0 },
    { mode: 'process', count: Math.max(10, Math.round(inProcess / 10)), connections, settings: 'workers = "1-4"', wait: 10 },
    { mode: 'thread', count: inThread, connections, settings: '', wait: 0 },
  ];
  let isWell = true;
  for (const [i, variant] of variants.entries()) {
    const claims = await reloadUnderLoad(path.join(folder, String(i)), library, variant);
    console.log(`${judgement(claims)}\n`);
    isWell &&= claims.every(({ against }) => against.length === 0);
  }
  if (isWell) fs.rmSync(folder, { recursive: true });
  else console.log(`The servers' logs are in ${folder}`);
  return isWell;
}

function compile(folder) {
  const library = path.join(folder, 'generation.so');
  const include = path.resolve(__dirname, '../../native/include');
  execFileSync('cc', ['-shared', '-fPIC', '-O1', `-I${include}`, '-o', library, path.join(__dirname, 'plugins/generation.c')]);
  return fs.readFileSync(library);
}

/** The library as if it had been compiled for that generation. */
function numbered(library, number) {
  const copy = Buffer.from(library);
  copy.write(String(number).padStart(DIGITS, '0'), copy.indexOf(MARK) + MARK.length, 'latin1');
  return copy;
}

/**
 * @param {string} folder of the server
 * @param {Buffer} library
 * @param {Variant} variant
 * @returns claims, each with what speaks against it
 */
async function reloadUnderLoad(folder, library, { mode, count, connections, settings, wait }) {
  const lib = path.join(folder, 'lib');
  fs.mkdirSync(lib, { recursive: true });
  fs.writeFileSync(path.join(folder, 'prest.toml'), `[plugins]\nmode = "${mode}"\n${settings}\n`);
  const put = (bytes) => {
    fs.writeFileSync(path.join(lib, 'next'), bytes);
    fs.renameSync(path.join(lib, 'next'), path.join(lib, 'generation.so'));
  };
  put(numbered(library, 1));
  const server = await startServer(folder);
  const clients = new Clients(server.url, connections, wait);
  const course = { times: [], states: [], broken: 0 };
  await replace(server, clients, library, put, count, course).catch((error) => clients.complaints.push(error.message));
  await clients.stop();
  const remains = await whatRemains(server.pid, lib);
  const { code, log } = await server.stop();
  fs.writeFileSync(path.join(folder, 'server.log'), log);
  const left = [...copiesIn(lib).map((copy) => `${copy} is left`), ...orphansOf(server.pid).map(({ pid }) => `process ${pid} is left`)];
  if (code !== 0) left.push(`it ended with ${code}`);
  report(`mode ${mode}${settings && `, ${settings}, calls of ${wait} ms`}`, course, clients.answered, connections);
  return [
    { claim: 'every request was answered 200, wholly by one generation, and by none that was replaced before it was sent', against: clients.complaints },
    { claim: 'of the generations that are gone neither copies, processes nor mappings stayed', against: remains },
    ...flatness(course.states),
    { claim: 'the server stopped gracefully, and left nothing behind', against: left },
  ];
}

/** Replaces the first generation by the second, and so on, each as soon as the last one answers; ends with the first complaint. */
async function replace(server, clients, library, put, count, course) {
  await clients.see(1);
  for (let number = 2; number <= count + 1 && clients.complaints.length === 0; number++) {
    if (number % BROKEN_EACH === 0) {
      put(BROKEN[course.broken++ % BROKEN.length](library));
      server.kill('SIGHUP');
      await server.said(/was not replaced, and goes on as it is/, LIMIT);
    }
    put(numbered(library, number));
    const begun = performance.now();
    server.kill('SIGHUP');
    await clients.see(number);
    course.times.push(performance.now() - begun);
    course.states.push(stateOf(server.pid));
  }
}

function report(what, { times, broken }, answered, connections) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share) => `${(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN).toFixed(1)} ms`;
  console.log(`${what}: ${times.length} reloads and ${broken} broken libraries under ${connections} connections, ${answered} requests`);
  console.log(`from SIGHUP to the first answer of the next generation: p50 ${at(0.5)}, p99 ${at(0.99)}, at most ${at(1)}`);
}

const copiesIn = (lib) => fs.readdirSync(lib, { recursive: true }).filter((name) => path.basename(name).includes('open-'));

/** Waits until nothing but the last generation is there, and the copy of the one before, to which one could go back. */
async function whatRemains(pid, lib) {
  const count = () => {
    const maps = process.platform === 'linux' ? fs.readFileSync(`/proc/${pid}/maps`, 'latin1') : '';
    const mapped = new Set(maps.match(/\S*open-\S*/g));
    return [[copiesIn(lib).length, 2, 'copies'], [mapped.size, 1, 'mapped libraries'], [runnersOf(pid).length, 4, 'processes']];
  };
  const end = performance.now() + LIMIT;
  for (;;) {
    const many = count().filter(([number, most]) => number > most);
    if (many.length === 0 || performance.now() > end) return many.map(([number, , what]) => `${number} ${what}`);
    await setTimeout(20);
  }
}

module.exports = { stressReloads };
