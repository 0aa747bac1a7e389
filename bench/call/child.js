/* Calls one handler in one way, without HTTP, and prints what it took as JSON.
 *
 *     node child.js <a way of ./ways.js> <pluginpath> <folder for what is compiled> <seconds for each measurement> [alone]
 *
 * `alone` leaves out the calls in flight.
 */
'use strict';

const { percentile } = require('../stats');
const { RUNTIMES, PROGRAMS } = require('./ways');
const { mainThreadTime } = require('./host-time');

const [, , id, pluginpath, folder, seconds, only] = process.argv;
const budget = Number(seconds) * 1000;

/** Calls in flight while they are pipelined. */
const DEPTHS = only === 'alone' ? [] : [64, 1024];

/** Calls the one handler, and checks its reply. */
function call(way, settled) {
  way.call((length) => {
    if (length !== 100) throw new Error('a wrong reply');
    settled();
  });
}

/** Milliseconds of each of the calls that fit into the time, one after the other, each from a turn of its own. */
function callAlone(way, milliseconds) {
  return new Promise((resolve) => {
    const times = [];
    const end = performance.now() + milliseconds;
    const next = () => {
      const begun = performance.now();
      call(way, () => {
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
function callPipelined(way, depth, milliseconds) {
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
      call(way, settled);
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
  const way = await { ...RUNTIMES, ...PROGRAMS }[id].open(pluginpath, folder);
  // Warm up first, whole: code that was compiled for one call at a time is compiled again for many.
  for (const depth of DEPTHS) await callPipelined(way, depth, budget / 4);
  await callAlone(way, budget / 4);

  const alone = await callAlone(way, budget);
  const pipelined = [];
  for (const depth of DEPTHS) {
    const { calls, wall, host } = await callPipelined(way, depth, budget);
    pipelined.push({ depth, rate: (calls / wall) * 1000, host: (host / calls) * 1000 });
  }
  console.log(JSON.stringify({ p50: percentile(alone, 50) * 1000, p99: percentile(alone, 99) * 1000, pipelined }));
  await way.close();
  process.exit(0);
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
