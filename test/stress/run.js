/* npm run stress: a server under load whose plugins crash, and whose plugins' processes are killed from outside. Every answer
 * must be the right one, and all accounts must agree; see --help. */
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Chaos } = require('./chaos');
const { endure } = require('./endurance');
const { Ledger } = require('./ledger');
const { ask, load } = require('./load');
const { readOptions, USAGE } = require('./options');
const { missing, writePlugins } = require('./plugins');
const { stressReloads } = require('./reload');
const report = require('./report');
const { Requests, generator, judge } = require('./requests');
const { orphansOf } = require('./runners');
const { readDeaths, startServer, watchMemory } = require('./server');
const { reach } = require('./verdict');

/** Two bytes for each request that could ever be made; the file has holes where there was none. */
const TALLY = 2 ** 28;

/**
 * @param {NonNullable<ReturnType<typeof readOptions>>} options
 * @returns {Promise<boolean>} whether all agrees
 */
async function stress(options) {
  const plugins = options.plugins.filter((plugin) => {
    const reason = missing(plugin);
    if (reason !== undefined) console.log(`without ${plugin.name}: ${reason}`);
    return reason === undefined;
  });
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'dlserve-stress-'));
  const tally = path.join(folder, 'tally');
  fs.writeFileSync(tally, '');
  fs.truncateSync(tally, TALLY);
  writePlugins(folder, plugins, tally, options.connections);
  const { evidence, server, samples } = await run(options, plugins, folder);
  const verdict = reach({ ...evidence, tally: readTally(tally, evidence.ledger.sent) });
  const claims = [
    ...verdict.claims,
    { claim: 'the server stopped gracefully, and left no process behind', against: server.failures },
  ];
  const agreed = claims.every(({ against }) => against.length === 0);
  console.log([report.totals(evidence, verdict), report.happenings(evidence, verdict), report.memory(samples), report.judgement(claims)].join('\n\n'));
  if (agreed) {
    fs.rmSync(folder, { recursive: true });
  } else {
    fs.writeFileSync(path.join(folder, 'server.log'), server.log);
    console.log(`\nThe accounts do not agree. The server's log is in ${folder}`);
  }
  return agreed;
}

async function run({ seed, guilty, hangs, seconds, connections, kills, stops }, plugins, folder) {
  const requests = new Requests(seed, guilty, hangs);
  const ledger = new Ledger(plugins);
  const running = await startServer(folder);
  console.log(`${seconds} s, ${connections} connections, ${guilty} guilty, ${hangs} hang, ${kills} kills a second and plugin, --seed ${seed}`);
  await Promise.all(plugins.map((plugin) => warm(running.url, plugin, new Requests(seed, 0, 0), ledger)));
  const targets = plugins.filter(({ mode }) => mode === 'process').map(({ name }) => name);
  const canStrike = process.platform === 'linux' && kills > 0 && targets.length > 0;
  if (process.platform !== 'linux' && kills > 0) console.log('no process is struck from outside: that needs /proc');
  const chaos = new Chaos(running.pid, targets, kills, stops, generator(seed));
  const memory = watchMemory(running.pid);
  await Promise.all([
    load(running.url, connections, seconds, plugins, requests, ledger),
    canStrike ? chaos.run(seconds) : undefined,
  ]);
  const samples = memory.stop();
  const { code, log } = await running.stop();
  const failures = orphansOf(running.pid).map(({ plugin, pid }) => `process ${pid} of ${plugin} is left`);
  if (code !== 0) failures.push(`it ended with ${code}`);
  return { evidence: { plugins, ledger, retry: true, deaths: readDeaths(log), acts: chaos.acts }, server: { failures, log }, samples };
}

/** The first call waits until its source is built; what strikes the library while it is opened would be the operator's affair. */
async function warm(url, plugin, requests, ledger) {
  const request = requests.make(ledger.begin(plugin.name), plugin);
  const sent = Date.now();
  const outcome = judge(request, await ask(url, request));
  if (outcome !== 'right') throw new Error(`${plugin.name} does not serve: ${outcome}`);
  ledger.end(request, plugin.name, outcome, sent, sent);
}

/** A little more than was sent, to see calls that nobody has made. */
function readTally(file, sent) {
  const bytes = Buffer.alloc(Math.min(TALLY, 2 * (sent + 1000)));
  const fd = fs.openSync(file, 'r');
  fs.readSync(fd, bytes, 0, bytes.length, 0);
  fs.closeSync(fd);
  return bytes;
}

async function main() {
  let options;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${error.message}\n\n${USAGE}`);
    return 2;
  }
  if (options === undefined) return 0;
  try {
    const run = options.reload ? stressReloads : options.crashes > 0 ? endure : stress;
    return (await run(options)) ? 0 : 1;
  } catch (error) {
    console.error(error);
    return 1;
  }
}

main().then((code) => process.exit(code));
