import { closeSync, fstatSync } from 'node:fs';
import path from 'node:path';
import { createStatusFile, readStatus } from '../../../src/runtimes/native/status';
import { compileFixture } from '../../support/compile';
import { runChild } from '../../support/child';

/** The module as built: this process must not publish, other tests share its addon. */
const status = path.resolve(__dirname, '../../../dist/runtimes/native/status');

describe('the status page', () => {
  let descriptor: number;
  beforeEach(() => (descriptor = createStatusFile()));
  afterEach(() => closeSync(descriptor));

  it('takes all of its room at once, and leaves no name behind', () => {
    const { size, blocks, nlink } = fstatSync(descriptor);
    expect(blocks * 512).toBeGreaterThanOrEqual(size);
    expect(nlink).toBe(0);
  });

  it('tells of nothing at first', () => {
    expect(readStatus(descriptor)).toEqual([]);
  });

  it.each(['thread', 'inline'])('tells what a process of mode "%s" was running when it died', async (mode) => {
    const program = `
      require(args.status).attachStatus(3);
      const plugin = await open(${mode}Runtime(), args.library, ['GETEchoHandler', 'GETFaultHandler']);
      await call(plugin, 0);
      await call(plugin, 1);`;
    const ended = await runChild(program, { status, library: compileFixture('crash.c') }, descriptor);
    expect(ended.signal).toBe('SIGSEGV');
    expect(readStatus(descriptor)).toEqual([{ plugin: 'plugin', symbol: 'GETFaultHandler' }]);
  });

  it('tells of PluginInit, and of every busy thread', async () => {
    const program = `
      require(args.status).attachStatus(3);
      const runtime = threadRuntime();
      const gate = await open(runtime, args.gate, ['GETBegunHandler', 'GETWaitHandler'], { gate: '/no/such/gate' });
      await call(gate, 0);
      call(gate, 1);
      open(runtime, args.init, ['GETHelloHandler'], { gate: '/no/such/gate' });
      const { readStatus } = require(args.status);
      while (readStatus(3).length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
      process.kill(process.pid, 'SIGKILL');`;
    const args = { status, gate: compileFixture('gate.c'), init: compileFixture('slow_init.c') };
    expect((await runChild(program, args, descriptor)).signal).toBe('SIGKILL');
    expect(readStatus(descriptor)).toEqual([
      { plugin: 'plugin', symbol: 'GETWaitHandler' },
      { plugin: 'plugin', symbol: 'PluginInit' },
    ]);
  });

  it('tells of nothing once all have returned', async () => {
    const program = `
      require(args.status).attachStatus(3);
      const plugin = await open(threadRuntime(), args.library, ['GETEchoHandler']);
      await Promise.all(Array.from({ length: 100 }, () => call(plugin, 0)));
      await plugin.close(5000);`;
    await runChild(program, { status, library: compileFixture('echo.c') }, descriptor);
    expect(readStatus(descriptor)).toEqual([]);
  });

  it('can not be attached to a file of another size', async () => {
    const program = `
      try { require(args.status).attachStatus(2); } catch (error) { console.log(error.message); }`;
    expect((await runChild(program, { status })).stdout).toBe('Invalid argument\n');
  });
});
