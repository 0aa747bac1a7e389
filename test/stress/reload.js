/* npm run stress -- --reload: plugins that are replaced again and again while clients call them, by good libraries and by broken ones. No
 * request may fail, and each reply must be of one generation, and of none that a client has seen replaced before it asked. */
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const { Agent } = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { setTimeout } = require('node:timers/promises');
const { ask } = require('./load');
const { startServer } = require('./server');

const MARK = 'GENERATION=';
const DIGITS = 8;
/** Milliseconds that one reload may take. */
const LIMIT = 30_000;
/** Every so many reloads, one of these is tried first. */
const BROKEN_EACH = 10;
const BROKEN = [
  ['half of a library', (library) => library.subarray(0, library.length / 2)],
  ['no library', () => Buffer.from('this is no library')],
  ['a PluginInit that refuses', (library) => numbered(library, 90_000_000)],
];

/** The library as if it had been compiled for that generation. */
function numbered(library, number) {
  const copy = Buffer.from(library);
  copy.write(String(number).padStart(DIGITS, '0'), copy.indexOf(MARK) + MARK.length, 'latin1');
  return copy;
}

/**
 * @param {{ connections: number, reloads: Readonly<Record<'process' | 'thread', number>> }} options
 * @returns {Promise<boolean>} whether nothing went wrong
 */
async function stressReloads({ connections, reloads }) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'dlserve-reload-'));
  const library = compile(folder);
  const complaints = [];
  for (const [mode, count] of Object.entries(reloads)) complaints.push(...(await reloadUnderLoad(path.join(folder, mode), library, mode, count, connections)));
  for (const complaint of complaints.slice(0, 20)) console.log(`NO: ${complaint}`);
  if (complaints.length === 0) fs.rmSync(folder, { recursive: true });
  return complaints.length === 0;
}

function compile(folder) {
  const library = path.join(folder, 'generation.so');
  const include = path.resolve(__dirname, '../../native/include');
  execFileSync('cc', ['-shared', '-fPIC', '-O1', `-I${include}`, '-o', library, path.join(__dirname, 'plugins/generation.c')]);
  return fs.readFileSync(library);
}

/** @returns {Promise<string[]>} what went wrong */
async function reloadUnderLoad(folder, library, mode, count, connections) {
  const lib = path.join(folder, 'lib');
  fs.mkdirSync(lib, { recursive: true });
  fs.writeFileSync(path.join(folder, 'prest.toml'), `[plugins]\nmode = "${mode}"\n`);
  const put = (bytes) => {
    fs.writeFileSync(path.join(lib, 'next'), bytes);
    fs.renameSync(path.join(lib, 'next'), path.join(lib, 'generation.so'));
  };
  put(numbered(library, 1));
  const server = await startServer(folder);
  const clients = new Clients(server.url, connections);
  const times = [];
  let broken = 0;
  try {
    await clients.until(() => clients.newest === 1);
    for (let number = 2; number <= count + 1 && clients.complaints.length === 0; number++) {
      if (number % BROKEN_EACH === 0) {
        put(BROKEN[broken++ % BROKEN.length][1](library));
        server.kill('SIGHUP');
        await server.said(new RegExp(`(was not replaced[^]*){${broken}}`), LIMIT);
      }
      const started = performance.now();
      put(numbered(library, number));
      server.kill('SIGHUP');
      await clients.until(() => clients.newest === number);
      times.push(performance.now() - started);
    }
  } finally {
    await clients.stop();
  }
  const { code } = await server.stop();
  if (code !== 0) clients.complaints.push(`the server ended with ${code}`);
  const left = fs.readdirSync(lib, { recursive: true }).filter((name) => name.includes('open-'));
  if (left.length > 0) clients.complaints.push(`copies are left: ${left.join(', ')}`);
  times.sort((a, b) => a - b);
  const at = (share) => `${(times[Math.floor(times.length * share)] ?? 0).toFixed(1)} ms`;
  console.log(`mode ${mode}: ${times.length} reloads and ${broken} broken libraries under ${connections} connections: ${clients.answered} answered, ${clients.complaints.length} not as they should be; from SIGHUP to the first answer of the next generation ${at(0.5)} (p50), ${at(0.99)} (p99)`);
  return clients.complaints.map((complaint) => `mode ${mode}: ${complaint}`);
}

/** Connections that ask without end, and hold each reply against what was known when it was asked for. */
class Clients {
  answered = 0;
  /** The newest generation that has answered. */
  newest = 0;
  complaints = [];
  #isOver = false;
  #all;

  constructor(url, connections) {
    this.#all = Promise.all(Array.from({ length: connections }, () => this.#client(url)));
  }

  async #client(url) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let n = 0; !this.#isOver; n++) {
      const replaced = this.newest;
      const request = { n, method: 'GET', path: '/_PLUGIN/generation/Number', body: null };
      const complaint = await ask(url, request, agent).then(
        (answer) => this.#judge(answer, replaced),
        (error) => `no answer: ${error.message}`,
      );
      this.answered++;
      if (complaint !== undefined) this.complaints.push(complaint);
    }
    agent.destroy();
  }

  #judge({ status, headers, body }, replaced) {
    const text = body.toString('latin1');
    if (status !== 200) return `${status}: ${text.slice(0, 300)}`;
    const number = headers['x-generation'];
    if (text !== number.repeat(text.length / DIGITS)) return `a reply of several generations: ${number}, ${text.slice(0, DIGITS)} ... ${text.slice(-DIGITS)}`;
    if (!/^[0-8]\d+$/.test(number)) return `a reply of a generation that is not initialised, or was stopped: ${number}`;
    if (Number(number) < replaced) return `generation ${Number(number)} answered a request that was sent after ${replaced} had answered`;
    this.newest = Math.max(this.newest, Number(number));
    return undefined;
  }

  async until(condition) {
    const end = performance.now() + LIMIT;
    while (!condition() && this.complaints.length === 0) {
      if (performance.now() > end) throw new Error(`nothing new after ${LIMIT} ms; the newest generation is ${this.newest}`);
      await setTimeout(1);
    }
  }

  async stop() {
    this.#isOver = true;
    await this.#all;
  }
}

module.exports = { stressReloads };
