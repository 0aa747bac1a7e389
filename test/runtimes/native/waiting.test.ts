import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { threadRuntime } from '../../../src/runtimes/native/runtime';
import { prelude, runChild } from '../../support/child';
import { compileFixture } from '../../support/compile';
import { copyLibrary, pluginSource } from '../../support/runtime';
import { callStream, StreamClient } from '../../support/stream';
import { until } from '../../support/until';

// Handlers that wait for what will never come: a slow client, a body, an answer. Nobody may hang with them.

const SYMBOLS = ['GETWriteHandler', 'POSTReadHandler', 'GETAskHandler', 'GETKeepHandler'];
const HEARD = ['ask -1', 'kept -1', 'read -1', 'write -1'];

function newTrace(): string {
  return path.join(mkdtempSync(path.join(tmpdir(), 'dlserve-waiting-')), 'trace');
}

const heard = (trace: string): string[] => (existsSync(trace) ? readFileSync(trace, 'utf8').trim().split('\n').sort() : []);

test('a plugin that is closed lets go of them within its limit', async () => {
  const trace = newTrace();
  let asked = 0;
  let wanted = 0;
  const services = { ask: (): Promise<never> => new Promise(() => asked++), log: () => undefined };
  const library = copyLibrary(compileFixture('waits.c'));
  const plugin = await threadRuntime().open(pluginSource(library, { symbols: SYMBOLS, services, settings: { config: { trace } } }));
  const input = { next: (): Promise<null> => new Promise(() => wanted++) };
  const clients = SYMBOLS.map((symbol) => {
    const client = new StreamClient();
    client.stall();
    callStream(plugin, symbol, client, symbol.startsWith('POST') ? { input } : {});
    return client;
  });
  await until(() => asked === 1 && wanted === 1 && clients[0]!.length > 0 && clients[3]!.length > 0 && plugin.outstanding === 3);
  await plugin.close(100);
  await until(() => heard(trace).length === 4);
  expect(heard(trace)).toEqual(HEARD);
  expect(clients.map(({ error }) => error?.code)).toEqual(clients.map(() => 'STOPPING'));
  await until(() => plugin.outstanding === 0 && plugin.pending().length === 0);
});

/** In a worker thread or process of its own: makes the four calls, and goes on when all of them wait. */
const WAITING = `
  const runtime = threadRuntime();
  const plugin = await open(runtime, args.library, args.symbols, { trace: args.trace });
  const sent = new Set();
  const calls = args.symbols.map((symbol, index) => {
    const call = makeCall(() => undefined, index);
    call.begin = () => sent.add(symbol);
    call.write = () => false;
    call.input = symbol.startsWith('POST') ? { next: () => new Promise(() => sent.add(symbol)) } : null;
    plugin.call(call);
    return call;
  });
  while (sent.size < 3 || plugin.outstanding > 3) await new Promise((resolve) => setTimeout(resolve, 5));`;

test('a worker thread that is terminated lets go of them', async () => {
  const trace = newTrace();
  const source = `
    const { parentPort, workerData: args } = require('node:worker_threads');
    const { threadRuntime, open, makeCall } = require(args.prelude);
    (async () => { ${WAITING} parentPort.postMessage('all wait'); })();`;
  const program = `
    const { Worker } = require('node:worker_threads');
    const { existsSync, readFileSync } = require('node:fs');
    const worker = new Worker(args.source, { eval: true, workerData: args });
    worker.once('error', (error) => { throw error; });
    await new Promise((resolve) => worker.once('message', resolve));
    await worker.terminate();
    const lines = () => (existsSync(args.trace) ? readFileSync(args.trace, 'utf8').trim().split('\\n') : []);
    for (const end = Date.now() + 30000; lines().length < 4 && Date.now() < end; ) await new Promise((resolve) => setTimeout(resolve, 5));
    console.log(lines().sort().join(', '));`;
  const ended = await runChild(program, { source, prelude, library: copyLibrary(compileFixture('waits.c')), symbols: SYMBOLS, trace });
  expect(ended).toMatchObject({ code: 0, signal: null, stdout: `${HEARD.join(', ')}\n` });
});

test('a process that exits does not wait for them', async () => {
  const ended = await runChild(`${WAITING} process.exit(7);`, { library: compileFixture('waits.c'), symbols: SYMBOLS, trace: newTrace() });
  expect(ended).toMatchObject({ code: 7, signal: null });
});

test('a process stays alive for a reply that is kept, until it ends', async () => {
  const program = `
    const plugin = await open(threadRuntime(), args.library, ['GETKeepHandler', 'GETEndHandler']);
    const kept = makeCall(() => undefined);
    kept.begin = () => undefined;
    kept.write = () => true;
    kept.end = () => console.log('ended');
    plugin.call(kept);
    // By itself that keeps nobody alive.
    setTimeout(() => call(plugin, 1), 300).unref();`;
  const ended = await runChild(program, { library: compileFixture('keeps.c') });
  expect(ended).toMatchObject({ code: 0, signal: null, stdout: 'ended\n' });
});
