import path from 'node:path';
import { compileFixture } from '../../support/compile';
import { prelude, runChild, type Ended } from '../../support/child';
import { copyLibrary } from '../../support/runtime';

const left = (code: number, stdout = ''): Partial<Ended> => ({ code, signal: null, stdout });
const GATE = path.join(path.sep, 'no', 'such', 'gate');

describe.each([
  ['with the addon', true],
  ['without the addon', false],
])('a process whose plugins run in mode "thread" %s', (_, addon) => {
  const inThread = (program: string, library: string, symbols: string[], config = {}): Promise<Ended> =>
    runChild(
      `const runtime = threadRuntime({ addon: args.addon });
      const plugin = await open(runtime, args.library, args.symbols, args.config);
      ${program}`,
      { addon, library: compileFixture(library), symbols, config },
    );

  it('ends by itself once no call is outstanding', async () => {
    const ended = await inThread('await call(plugin, 0); console.log("called");', 'echo.c', ['GETEchoHandler']);
    expect(ended).toMatchObject(left(0, 'called\n'));
  });

  it('stays alive for a call', async () => {
    const ended = await inThread('call(plugin, 0).then(() => console.log("answered"));', 'serial.c', ['GETTagHandler']);
    expect(ended).toMatchObject(left(0, 'answered\n'));
  });

  it('ends on process.exit() while a handler hangs', async () => {
    const program = 'call(plugin, 0); setTimeout(() => process.exit(7), 100);';
    expect(await inThread(program, 'gate.c', ['GETWaitHandler'], { gate: GATE })).toMatchObject(left(7));
  });

  it('says of what it dies while a handler hangs', async () => {
    const program = 'call(plugin, 0); setTimeout(() => { throw new Error("of this"); }, 50);';
    const ended = await inThread(program, 'gate.c', ['GETWaitHandler'], { gate: GATE });
    expect(ended).toMatchObject(left(1));
    expect(ended.stderr).toContain('Error: of this\n    at ');
  });

  it('closes a plugin whose handler hangs within the limit, and ends', async () => {
    const program = `
      const hanging = call(plugin, 0);
      await new Promise((resolve) => setTimeout(resolve, 50));
      await plugin.close(100);
      console.log(await hanging.catch((error) => error.code));
      process.exit(0);`;
    const ended = await inThread(program, 'gate.c', ['GETWaitHandler'], { gate: GATE });
    expect(ended).toMatchObject(left(0, 'STOPPING\n'));
  });

  it('survives the end of a library that runs a thread of its own', async () => {
    const program = `
      await call(plugin, 0);
      if (args.config.close) await plugin.close(1000);
      globalThis.gc?.();
      await new Promise((resolve) => setTimeout(resolve, 50));
      process.exit(0);`;
    for (const close of [true, false]) {
      expect(await inThread(program, 'own_thread.c', ['GETStartHandler'], { close })).toMatchObject(left(0));
    }
  });

  it('hears of an error that a settlement throws, and settles the rest', async () => {
    const program = `
      process.on('uncaughtException', (error) => console.log('uncaught', error.message));
      plugin.call(makeCall(() => { throw new Error('mine'); }));
      await call(plugin, 0);
      setTimeout(() => console.log('on'), 20);`;
    const ended = await inThread(program, 'echo.c', ['GETEchoHandler']);
    expect(ended).toMatchObject(left(0, 'uncaught mine\non\n'));
  });
});

describe('mode "thread" with the addon', () => {
  it.each([
    ['had its time', 'plugin.call(hanging); setTimeout(() => plugin.expire(hanging), 100);'],
    ["passed its client's deadline", 'hanging.enter(plugin, { left() {} });'],
  ])('lets a process end by itself while a call hangs that has %s', async (_, hang) => {
    const program = `
      const runtime = threadRuntime();
      const plugin = await open(runtime, args.library, ['GETWaitHandler'], { gate: args.gate });
      const hanging = makeCall(() => undefined, 0, 100);
      const start = performance.now();
      process.on('exit', () => performance.now() - start > 20000 && process.abort());
      ${hang}`;
    const ended = await runChild(program, { library: compileFixture('gate.c'), gate: GATE });
    expect(ended).toMatchObject(left(0));
  });

  it('works in several worker threads, and leaves those that are terminated during a call', async () => {
    const program = `
      const { Worker } = require('node:worker_threads');
      const worker = (id, hang) => new Promise((resolve, reject) => {
        const started = new Worker(args.source, { eval: true, workerData: { ...args, ...args[id], hang } });
        started.on('message', (text) => (hang ? setTimeout(() => started.terminate().then(() => resolve(text)), 50) : resolve(text)));
        started.on('error', reject);
      });
      console.log((await Promise.all([worker(0, false), worker(0, true), worker(1, false), worker(1, true)])).join(' '));`;
    const source = `
      const { parentPort, workerData } = require('node:worker_threads');
      const { threadRuntime, open, call } = require(workerData.prelude);
      (async () => {
        const runtime = threadRuntime();
        if (workerData.hang) {
          call(await open(runtime, workerData.gate, ['GETWaitHandler'], { gate: '/no/such/gate' }, { concurrency: 4 }));
          setTimeout(() => parentPort.postMessage('hung'), 50);
        } else {
          parentPort.postMessage((await call(await open(runtime, workerData.echo, ['GETEchoHandler']))).body);
        }
      })();`;
    const ended = await runChild(program, {
      source,
      prelude,
      0: { gate: copyLibrary(compileFixture('gate.c')), echo: copyLibrary(compileFixture('echo.c')) },
      1: { gate: copyLibrary(compileFixture('gate.c')), echo: copyLibrary(compileFixture('echo.c')) },
    });
    expect(ended).toMatchObject(left(0, '{"body":null} hung {"body":null} hung\n'));
  });
});
