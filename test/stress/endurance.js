/* Very many crashes in one run: what they leave behind in the server, and what they cost those beside them. */
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Agent } = require('node:http');
const { createHistogram } = require('node:perf_hooks');
const { flatness, stateOf } = require('./growth');
const { ask } = require('./load');
const { PLUGINS, writePlugins } = require('./plugins');
const { judgement } = require('./report');
const { orphansOf } = require('./runners');
const { startServer } = require('./server');

/** Clients that crash the plugin, and clients beside them. */
const CRASHERS = 4;
const INNOCENTS = 4;
/** Looks at the server, over the whole run. */
const LOOKS = 100;

/**
 * @param {{ crashes: number }} options
 * @returns {Promise<boolean>} whether all is as it should be
 */
async function endure({ crashes }) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'dlserve-endurance-'));
  const tally = path.join(folder, 'tally');
  fs.writeFileSync(tally, '');
  fs.truncateSync(tally, 2 ** 28);
  const plugin = { ...PLUGINS.find(({ name }) => name === 'serial'), workers: 2 };
  writePlugins(folder, [plugin], tally, 1024);
  const server = await startServer(folder);
  await ask(server.url, request(0, 'Text'));
  const samples = [];
  const took = createHistogram();
  const wrong = [];
  let crashed = 0;
  let number = 0;
  const look = () => samples.push({ crashed, ...stateOf(server.pid) });
  const crash = async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (crashed < crashes) {
      const n = ++number;
      const { status, body } = await ask(server.url, request(n, 'Segv'), agent);
      if (status !== 502) wrong.push(`crash ${n}: ${status} ${body}`);
      if (++crashed % Math.ceil(crashes / LOOKS) === 0) look();
    }
    agent.destroy();
  };
  const live = async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (crashed < crashes) {
      const n = ++number;
      const begun = performance.now();
      const { status, body } = await ask(server.url, request(n, 'Text'), agent);
      took.record(Math.max(1, Math.round((performance.now() - begun) * 1000)));
      if (status !== 200 || body.toString() !== `${n} abc`) wrong.push(`innocent ${n}: ${status} ${body}`);
    }
    agent.destroy();
  };
  const begun = performance.now();
  await Promise.all([...Array.from({ length: CRASHERS }, crash), ...Array.from({ length: INNOCENTS }, live)]);
  const seconds = (performance.now() - begun) / 1000;
  const { code } = await server.stop();
  if (code !== 0) wrong.push(`the server ended with ${code}`);
  wrong.push(...orphansOf(server.pid).map(({ pid }) => `process ${pid} is left`));
  const claims = [
    { claim: 'every crash was answered 502, and every innocent request 200', against: wrong },
    ...flatness(samples),
  ];
  const ms = (microseconds) => (microseconds / 1000).toFixed(1);
  console.log(`${crashed} crashes in ${seconds.toFixed(0)} s, ${took.count} innocent requests beside them`);
  console.log(`a crash is overcome in: p50 ${ms(took.percentile(50))} ms, p99 ${ms(took.percentile(99))} ms, at most ${ms(took.max)} ms (innocents)\n`);
  console.log(judgement(claims));
  fs.rmSync(folder, { recursive: true });
  return claims.every(({ against }) => against.length === 0);
}

const request = (n, func) => ({ n, method: 'GET', path: `/_PLUGIN/serial/${func}?n=${n}&size=3&wait=0`, body: null });

module.exports = { endure };
