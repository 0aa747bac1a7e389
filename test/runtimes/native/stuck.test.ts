import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Instance } from '../../../src/plugin/runtime';
import { threadRuntime } from '../../../src/runtimes/native/runtime';
import { runChild, type Ended } from '../../support/child';
import { compileFixture } from '../../support/compile';
import { callHandler, copyLibrary, pluginSource, textOf } from '../../support/runtime';
import { until } from '../../support/until';

const newGate = (): string => path.join(mkdtempSync(path.join(tmpdir(), 'dlserve-stuck-')), 'gate');

describe.each([
  ['with the addon', true],
  ['without the addon', false],
])('mode "thread" %s, closed while a call of a serial library runs', (_, addon) => {
  it.each([
    ['that has no life of its own', 'gate_bare.c'],
    ['that is initialised', 'gate.c'],
    ['that is initialised and stopped', 'gate_stop.c'],
  ])('lets nobody into one %s before it has come back, and then opens it', async (_, fixture) => {
    const library = copyLibrary(compileFixture(fixture));
    const gate = `${library}.gate`;
    const open = (): Promise<Instance> =>
      threadRuntime({ addon }).open(pluginSource(library, { symbols: ['GETWaitHandler'], settings: { config: { gate } } }));
    const first = await open();
    const given = callHandler(first, 0);
    await until(() => existsSync(`${gate}.begun`));
    const [, answer] = await Promise.all([first.close(50), given.catch((error: unknown) => error)]);
    expect(answer).toMatchObject({ code: 'STOPPING' });
    await expect(open()).rejects.toMatchObject({ code: 'UNAVAILABLE', message: /still run since it was closed.*try again when they have come back/ });
    writeFileSync(gate, '');
    const second = await until(() => open().catch(() => undefined));
    expect(textOf(await callHandler(second, 0))).toBe('through');
    await second.close(5000);
    const stops = fixture === 'gate_stop.c' ? readFileSync(`${gate}.trace`, 'utf8') : undefined;
    expect(stops).toBe(fixture === 'gate_stop.c' ? 'stop\nstop\n' : undefined);
  });
});

describe('several hosts', () => {
  it('get a library anew that is closed while they join it', async () => {
    const library = copyLibrary(compileFixture('stopped.c'));
    const open = (): Promise<Instance> => threadRuntime().open(pluginSource(library, { symbols: ['GETHelloHandler'] }));
    const first = await open();
    const joining = open();
    const closing = first.close(5000);
    const second = await joining;
    expect(textOf(await callHandler(second, 0))).toBe('hello');
    await closing;
    await second.close(5000);
  });
});

test('constructors that end after all let libraries be opened again, theirs too', async () => {
  const program = `
    const { writeFileSync } = require('node:fs');
    const runtime = threadRuntime({ addon: args.addon });
    process.env.CONSTRUCTOR_GATE = args.gate;
    const attempt = (library) => open(runtime, library, ['GETHelloHandler'], {}, { timeout: 1 });
    for (const library of [args.slow, args.slow, args.other]) await attempt(library).catch((error) => console.log(error.message));
    writeFileSync(args.gate, '');
    for (const library of [args.other, args.slow]) {
      let plugin;
      for (let i = 0; i < 2000 && plugin === undefined; i++) {
        plugin = await attempt(library).catch(() => new Promise((resolve) => setTimeout(resolve, 10)));
      }
      console.log((await call(plugin)).body.toString());
      await plugin.close(5000);
    }`;
  const run = (addon: boolean): Promise<Ended> =>
    runChild(program, { addon, gate: newGate(), slow: compileFixture('slow_constructor.c'), other: compileFixture('stopped.c') });
  for (const { code, stdout } of await Promise.all([true, false].map(run))) {
    expect(stdout.split('\n')).toEqual([
      'slow_constructor.so did not load: its constructors took longer than 10000 ms',
      expect.stringMatching(/^slow_constructor\.so did not load: its constructors .* still run; try again when they have ended/),
      expect.stringMatching(/^stopped\.so did not load: the constructors of slow_constructor\.so .*nothing more can be opened now/),
      'hello',
      'hello',
      '',
    ]);
    expect(code).toBe(0);
  }
}, 60_000);

test('an unloading that takes long is called that, and lets libraries be opened again when it ends', async () => {
  const program = `
    const { writeFileSync } = require('node:fs');
    const runtime = threadRuntime();
    process.env.DESTRUCTOR_GATE = args.gate;
    const other = () => open(runtime, args.other, ['GETHelloHandler']);
    await (await open(runtime, args.slow, ['GETHelloHandler'])).close(200);
    await other().catch((error) => console.log(error.message));
    writeFileSync(args.gate, '');
    let plugin;
    for (let i = 0; i < 2000 && plugin === undefined; i++) plugin = await other().catch(() => new Promise((resolve) => setTimeout(resolve, 10)));
    console.log((await call(plugin)).body.toString());`;
  const ended = await runChild(program, { gate: newGate(), slow: compileFixture('slow_destructor.c'), other: compileFixture('same_abi.c') });
  const refusal = /^same_abi\.so did not load: the unloading of slow_destructor\.so took too long .*nothing more can be opened now/;
  expect(ended.stdout.split('\n')).toEqual([expect.stringMatching(refusal), 'hello', '']);
}, 60_000);

(process.platform === 'linux' ? test.each : test.skip.each)(['thread', 'inline'])('a call for which memory is out is answered, and others go on (mode "%s")', async (mode) => {
  const program = `
    const { execFileSync } = require('node:child_process');
    const { readFileSync } = require('node:fs');
    const plugin = await open(args.mode === 'thread' ? threadRuntime() : inlineRuntime(), args.library, ['GETEchoHandler']);
    await call(plugin);
    const limit = (bytes) => execFileSync('prlimit', ['--pid', String(process.pid), '--as=' + bytes + ':unlimited']);
    const text = 'x'.repeat(256 << 20);
    Buffer.byteLength(text);
    const answer = new Promise((resolve) => {
      const large = makeCall((error) => resolve(error.code));
      Object.defineProperty(large, 'text', { value: text });
      limit(Number(/VmSize:\\s*(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024 + (64 << 20));
      plugin.call(large);
    });
    limit('unlimited');
    console.log(await answer, (await call(plugin)).status);`;
  const { stdout } = await runChild(program, { mode, library: compileFixture('echo.c') });
  expect(stdout).toBe('OUT_OF_MEMORY -1\n');
});
