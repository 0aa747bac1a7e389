/* Calls one handler through a runtime, without HTTP, and prints what it took as JSON.
 *
 *     node child.js <runtime of ./runtimes.js> <library> <seconds for each measurement> [alone]
 *
 * `alone` leaves out the calls in flight.
 */
'use strict';

const { statSync } = require('node:fs');
const path = require('node:path');
const pino = require('pino');
const { examineLibrary } = require('../../dist/binary/file');
const { configFromOptions } = require('../../dist/config/load');
const { Deadline } = require('../../dist/plugin/deadline');
const { Exchange } = require('../../dist/plugin/exchange');
const { percentile } = require('../stats');
const { RUNTIMES } = require('./runtimes');
const { mainThreadTime } = require('./host-time');

const [, , id, library, seconds, only] = process.argv;
const budget = Number(seconds) * 1000;

/** Calls in flight while they are pipelined. */
const DEPTHS = only === 'alone' ? [] : [64, 1024];

/** What a browserless client sends: the text that most handlers get. */
const REQUEST = {
  file: 'bench',
  func: 'Small',
  method: 'GET',
  path: '/_PLUGIN/bench/Small',
  query: '',
  rawHeaders: ['Host', '127.0.0.1:3000', 'User-Agent', 'bench', 'Accept', '*/*'],
};

/** Whoever waits for one call. */
class Caller {
  constructor(settled) {
    this.settled = settled;
  }

  reply({ status, body }) {
    if (status !== 200 || body.length !== 100) throw new Error('a wrong reply');
    this.settled();
  }

  fail(error) {
    throw error;
  }
}

const COUNTER = { left() {} };

/** Calls the one handler, as the host does. */
function call(plugin, settled) {
  const handler = plugin.handlers.get('Small').get('GET');
  const exchange = new Exchange(REQUEST, handler, null, Deadline.after(30_000), 'bench', new Caller(settled));
  exchange.enter(plugin, COUNTER);
}

/** Milliseconds of each of the calls that fit into the time, one after the other, each from a turn of its own. */
function callAlone(plugin, milliseconds) {
  return new Promise((resolve) => {
    const times = [];
    const end = performance.now() + milliseconds;
    const next = () => {
      const begun = performance.now();
      call(plugin, () => {
        const now = performance.now();
        times.push(now - begun);
        if (now < end) setImmediate(next);
        else resolve(times);
      });
    };
    next();
  });
}

/** Keeps `depth` calls in flight; each that ends makes room for the next. */
function callPipelined(plugin, depth, milliseconds) {
  return new Promise((resolve) => {
    let calls = 0;
    let inFlight = 0;
    let isFilling = false;
    let isOver = false;
    const begun = performance.now();
    const hostBegun = mainThreadTime();
    const settled = () => {
      calls++;
      inFlight--;
      if (!isOver) isOver = (calls & 63) === 0 && performance.now() - begun >= milliseconds;
      if (!isOver) fill();
      else if (inFlight === 0) resolve({ calls, wall: performance.now() - begun, host: mainThreadTime() - hostBegun });
    };
    const begin = () => {
      inFlight++;
      call(plugin, settled);
    };
    // A mode that ends its calls at once would come back here from within, so it fills one window a turn.
    const fill = () => {
      if (isFilling) return;
      isFilling = true;
      for (let given = 0; inFlight < depth && given < depth && !isOver; given++) begin();
      isFilling = false;
      if (inFlight === 0 && !isOver) setImmediate(fill);
      else if (inFlight === 0) resolve({ calls, wall: performance.now() - begun, host: mainThreadTime() - hostBegun });
    };
    fill();
  });
}

async function main() {
  const runtime = await RUNTIMES[id].create();
  const { settings } = configFromOptions({ plugins: { mode: runtime.mode } }, [runtime]);
  const { dev, ino } = statSync(library);
  const file = { path: library, base: path.basename(library), identity: `${dev}:${ino}`, fingerprint: '' };
  const plugin = await runtime.open({
    name: 'bench',
    file,
    handlers: await examineLibrary(file),
    settings: settings('bench'),
    log: pino({ level: 'silent' }),
    observer: { resting() {}, fault() {} },
  });
  // Warm up first, whole: code that was compiled for one call at a time is compiled again for many.
  for (const depth of DEPTHS) await callPipelined(plugin, depth, budget / 4);
  await callAlone(plugin, budget / 4);

  const alone = await callAlone(plugin, budget);
  const pipelined = [];
  for (const depth of DEPTHS) {
    const { calls, wall, host } = await callPipelined(plugin, depth, budget);
    pipelined.push({ depth, rate: (calls / wall) * 1000, host: (host / calls) * 1000 });
  }
  console.log(JSON.stringify({ p50: percentile(alone, 50) * 1000, p99: percentile(alone, 99) * 1000, pipelined }));
  await plugin.close(1000);
  process.exit(0);
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
