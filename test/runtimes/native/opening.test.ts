import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Instance, Runtime } from '../../../src/plugin/runtime';
import { inlineRuntime, threadRuntime } from '../../../src/runtimes/native/runtime';
import { createStatusFile, readStatus } from '../../../src/runtimes/native/status';
import { runChild } from '../../support/child';
import { compileFixture } from '../../support/compile';
import { recordedLog } from '../../support/log';
import { callHandler, copyLibrary, makeCall, pluginSource, textOf, type TestSettings } from '../../support/runtime';

const opened: Instance[] = [];
const gates: string[] = [];

afterEach(async () => {
  for (const name of gates.splice(0)) {
    writeFileSync(process.env[name]!, '');
    await pause(20);
    Reflect.deleteProperty(process.env, name);
  }
  await Promise.all(opened.splice(0).map((plugin) => plugin.close(5000)));
});

/** Has a step of slow_constructor.c wait until the file is written whose path this returns. */
function closeGate(name: 'CONSTRUCTOR_GATE' | 'ABI_GATE'): string {
  gates.push(name);
  return (process.env[name] = path.join(mkdtempSync(path.join(tmpdir(), 'dlserve-gate-')), 'gate'));
}

async function open(runtime: Runtime, library: string, symbols: string[], settings: Partial<TestSettings> = {}): Promise<Instance> {
  const plugin = await runtime.open(pluginSource(library, { symbols, settings }));
  opened.push(plugin);
  return plugin;
}

const openSlow = (runtime: Runtime): Promise<Instance> => open(runtime, copyLibrary(compileFixture('slow_constructor.c')), ['GETHelloHandler']);

describe.each([
  ['with the addon', true],
  ['without the addon', false],
])('mode "thread" %s', (_, addon) => {
  it.each(['CONSTRUCTOR_GATE', 'ABI_GATE'] as const)('opens a library off the event loop: others answer while it waits (%s)', async (step) => {
    const runtime = threadRuntime({ addon });
    const other = await open(runtime, copyLibrary(compileFixture('echo.c')), ['GETEchoHandler']);
    const gate = closeGate(step);
    const opening = openSlow(runtime);
    // What is opened meanwhile must not wait on the event loop for the system's loader either.
    const next = open(runtime, copyLibrary(compileFixture('echo.c')), ['GETEchoHandler']);
    const inline = open(inlineRuntime({ addon }), copyLibrary(compileFixture('echo.c')), ['GETEchoHandler']);
    for (let ticks = 0; ticks < 5; ticks++) {
      await pause(5);
      expect(textOf(await callHandler(other, 0))).toContain('"body":null');
    }
    writeFileSync(gate, '');
    expect(textOf(await callHandler(await opening, 0))).toBe('hello');
    for (const plugin of await Promise.all([next, inline])) expect(textOf(await callHandler(plugin, 0))).toContain('"body":null');
  });
});

test('a library whose constructor hangs is given up; nothing more can be opened then, and whoever tries hears why', async () => {
  const program = `
    const runtime = threadRuntime({ addon: args.addon });
    const good = await open(runtime, args.good, ['GETEchoHandler']);
    process.env.CONSTRUCTOR_GATE = '/no/such/gate';
    for (const library of [args.slow, args.slow, args.other]) {
      await open(runtime, library, ['GETHelloHandler'], {}, { timeout: 1 }).catch((error) => console.log(error.code, error.message));
    }
    console.log((await call(good)).body.toString());
    process.exit(0);`;
  const args = { good: compileFixture('echo.c'), slow: compileFixture('slow_constructor.c'), other: compileFixture('same_abi.c') };
  const ended = await Promise.all([true, false].map((addon) => runChild(program, { addon, ...args })));
  for (const { code, stdout } of ended) {
    expect(code).toBe(0);
    expect(stdout.split('\n')).toEqual([
      'LOAD_FAILED slow_constructor.so did not load: its constructors took longer than 10000 ms',
      expect.stringMatching(/^LOAD_FAILED slow_constructor\.so .*its constructors took too long before, .* restart the server/),
      expect.stringMatching(/^LOAD_FAILED same_abi\.so .*the constructors of slow_constructor\.so took too long and may still hold the system's loader/),
      '{"body":null}',
      '',
    ]);
  }
}, 30_000);

describe('mode "thread" with the addon', () => {
  it('blocks signals that are for the process, and no others, and none in what a handler forks', async () => {
    const plugin = await open(threadRuntime(), compileFixture('signal_mask.c'), ['GETMaskHandler']);
    expect(textOf(await callHandler(plugin, 0))).toBe('111 000 0');
  });

  it('tells a script that its library can not be opened, rather than let it end', async () => {
    const program = `await open(threadRuntime(), args.library, []).catch((error) => console.log(error.code));`;
    const ended = await runChild(program, { library: compileFixture('init_fails.c') });
    expect(ended).toMatchObject({ code: 0, stdout: 'INIT_FAILED\n' });
  });

  it('names who crashed also after thousands of failed openings', async () => {
    const descriptor = createStatusFile();
    const program = `
      require(args.status).attachStatus(3);
      const runtime = threadRuntime();
      for (let i = 0; i < 2000; i++) await open(runtime, args.fails, ['GETNeverHandler']).catch(() => undefined);
      await call(await open(runtime, args.crash, ['GETFaultHandler']));`;
    const status = path.resolve(__dirname, '../../../dist/runtimes/native/status');
    const fails = compileFixture('init_fails.c');
    expect((await runChild(program, { status, fails, crash: compileFixture('crash.c') }, descriptor)).signal).toBe('SIGSEGV');
    expect(readStatus(descriptor)).toEqual([{ plugin: 'plugin', symbol: 'GETFaultHandler' }]);
  });

  it('says in which step a library died', async () => {
    const descriptor = createStatusFile();
    const program = `
      require(args.status).attachStatus(3);
      await open(threadRuntime(), args.library, ['GETFaultHandler']);`;
    const status = path.resolve(__dirname, '../../../dist/runtimes/native/status');
    const ended = await runChild(program, { status, library: compileFixture('constructor_crash.c') }, descriptor);
    expect([ended.signal, readStatus(descriptor)]).toEqual(['SIGSEGV', [{ plugin: 'plugin', symbol: 'a constructor' }]]);
  });

  it('takes no notice of a call that is withdrawn from a closed library', async () => {
    const plugin = await threadRuntime().open(pluginSource(copyLibrary(compileFixture('echo.c')), { symbols: ['GETEchoHandler'] }));
    const call = makeCall(plugin, 0, {}, () => undefined);
    plugin.call(call);
    await plugin.close(5000);
    expect(plugin.withdraw(call)).toBe(false);
  });
});

describe.each<[string, () => Runtime]>([
  ['thread', threadRuntime],
  ['inline', inlineRuntime],
])('one library of mode "%s" and several hosts', (_, createRuntime) => {
  /** init_config.c tells how often it was initialised, and with what. */
  const ask = async (plugin: Instance): Promise<string> => textOf(await callHandler(plugin, 0))!;
  const initConfig = (): string => copyLibrary(compileFixture('init_config.c'));
  const openHost = (library: string, config: Record<string, unknown>): Promise<Instance> =>
    open(createRuntime(), library, ['GETConfigHandler'], { config });

  it('share it where they want the same of it: it is initialised once, also for one that comes later', async () => {
    const library = initConfig();
    const runtime = createRuntime();
    const [first, second] = await Promise.all([1, 2].map(() => open(runtime, library, ['GETConfigHandler'], { config: { n: 1 } })));
    expect([await ask(first!), await ask(second!)]).toEqual(['1 {"n":1}', '1 {"n":1}']);
    await first!.close(5000);
    expect(await ask(second!)).toBe('1 {"n":1}');
    await second!.close(5000);
    expect(await ask(await open(runtime, library, ['GETConfigHandler'], { config: { n: 1 } }))).toBe('1 {"n":1}');
  });

  it('can not have it with different configurations, not even one after the other where it has no PluginStop', async () => {
    const library = initConfig();
    const first = await openHost(library, { n: 1 });
    await expect(openHost(library, { n: 2 })).rejects.toMatchObject({ code: 'LOAD_FAILED', message: /is open with another mode, concurrency or config/ });
    await first.close(5000);
    await expect(openHost(library, { n: 2 })).rejects.toMatchObject({ code: 'LOAD_FAILED', message: /no PluginStop/ });
  });

  it('get it anew once it was stopped', async () => {
    const library = copyLibrary(compileFixture('stop.c'));
    const trace = path.join(path.dirname(library), 'trace');
    for (const config of [{ trace }, { trace, again: true }]) {
      const plugin = await createRuntime().open(pluginSource(library, { symbols: ['GETCallHandler'], settings: { config } }));
      expect(textOf(await callHandler(plugin, 0))).toBe('called');
      await plugin.close(5000);
    }
  });

});

describe('mode "thread" and several hosts', () => {
  it('tells of a library in the log of the one that uses it', async () => {
    const library = copyLibrary(compileFixture('gate.c'));
    const gate = path.join(path.dirname(library), 'gate');
    const [first, second] = [recordedLog(), recordedLog()];
    const settings = { config: { gate } };
    const gone = await threadRuntime().open(pluginSource(library, { symbols: ['GETWaitHandler'], settings, log: first.log }));
    await gone.close(5000);
    const plugin = await threadRuntime().open(pluginSource(library, { symbols: ['GETWaitHandler'], settings, log: second.log }));
    const hanging = callHandler(plugin, 0);
    await plugin.close(100);
    await expect(hanging).rejects.toMatchObject({ code: 'STOPPING' });
    expect([first.lines.length, second.lines.length]).toEqual([0, 1]);
    // Something runs in it that nobody can end.
    await expect(threadRuntime().open(pluginSource(library, { symbols: ['GETWaitHandler'], settings }))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    writeFileSync(gate, '');
    await pause(50);
  });
});

test('worker threads of one process share only libraries that any number of calls may enter', async () => {
  const program = `
    const { Worker } = require('node:worker_threads');
    const source = \`
      const { parentPort, workerData } = require('node:worker_threads');
      const { threadRuntime, open } = require(workerData.prelude);
      open(threadRuntime(), workerData.library, [workerData.symbol]).then(
        (plugin) => {
          parentPort.postMessage('opened');
          parentPort.once('message', () => plugin.close(1000).then(() => parentPort.postMessage('closed')));
        },
        (error) => parentPort.postMessage(error.message),
      );\`;
    const start = () => new Worker(source, { eval: true, workerData: args });
    const word = (worker) => new Promise((resolve) => worker.once('message', resolve));
    const first = start();
    const words = [await word(first), await word(start())];
    first.postMessage('close');
    words.push(await word(first), await word(start()));
    console.log(words.join('\\n'));
    process.exit(0);`;
  const prelude = path.resolve(__dirname, '../../support/child-prelude.js');
  const [serial, parallel] = await Promise.all([
    runChild(program, { prelude, library: compileFixture('echo.c'), symbol: 'GETEchoHandler' }),
    runChild(program, { prelude, library: compileFixture('parallel.c'), symbol: 'GETMeetHandler' }),
  ]);
  const refusal: unknown = expect.stringContaining('another thread of this process has it open');
  expect(serial.stdout.split('\n')).toEqual(['opened', refusal, 'closed', 'opened', '']);
  expect(parallel.stdout.split('\n')).toEqual(['opened', 'opened', 'closed', 'opened', '']);
});
