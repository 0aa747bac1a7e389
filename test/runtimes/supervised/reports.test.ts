import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { processRuntime } from '../../../src/runtimes/supervised/runner/runtime';
import type { Fault } from '../../../src/plugin/fault';
import type { Instance } from '../../../src/plugin/runtime';
import { callHandler, pluginSource } from '../../support/runtime';
import { until } from '../../support/until';
import { builtRunner } from './built-runner';
import { askUntil, compileInnocent, recordedLog } from './harness';

const opened: Instance[] = [];
afterEach(() => Promise.all(opened.splice(0).map((plugin) => plugin.close(5000))));

async function reporting(fixture: string, symbols: readonly string[]): Promise<{ plugin: Instance; faults: Fault[]; deaths: () => object[]; library: string }> {
  const { log, lines } = recordedLog();
  const faults: Fault[] = [];
  const library = compileInnocent(fixture);
  const observer = { resting: () => undefined, fault: (fault: Fault) => void faults.push(fault) };
  const source = pluginSource(library, { symbols, settings: { mode: 'process', concurrency: 1 }, log, observer });
  const plugin = await processRuntime({ runner: builtRunner() }).open(source);
  opened.push(plugin);
  return { plugin, faults, deaths: () => lines.filter((line) => 'requests' in line), library };
}

// Elsewhere a stack has places, and no names.
const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('a crash', () => {
  it('is reported with all that is known of it', async () => {
    const { plugin, faults, deaths, library } = await reporting('crash_deep.c', ['GETFaultHandler']);
    await expect(callHandler(plugin, 0, { id: 'guilty' })).rejects.toMatchObject({ code: 'PLUGIN_CRASHED' });
    const [fault] = await until(() => faults.length > 0 && faults);
    expect(fault).toMatchObject({
      kind: 'crash',
      plugin: 'crash_deep',
      reason: 'crashed: ended by SIGSEGV',
      handler: 'GETFaultHandler',
      request: 'guilty',
      calls: [{ handler: 'GETFaultHandler', request: 'guilty' }],
      signal: 'SIGSEGV',
      address: '0x10',
      sha256: createHash('sha256').update(readFileSync(library)).digest('hex'),
    });
    expect(fault!.stack!.map((line) => line.replace(/\+0x[0-9a-f]+ /, ' '))).toEqual([
      'innermost (crash_deep.so)', 'middle (crash_deep.so)', 'GETFaultHandler (crash_deep.so)',
    ]);
    expect(fault!.output).toEqual(Array.from({ length: 20 }, (_, i) => `line ${i + 11}`));
    expect(fault!.age).toBeGreaterThan(0);
    const [line] = deaths();
    expect(line).toMatchObject({ handlers: ['GETFaultHandler'], requests: ['guilty'], address: '0x10', stack: fault!.stack, output: fault!.output });
  });

  it('by a call to where there is no code is found by who has called', async () => {
    const { plugin, faults } = await reporting('crash_deep.c', ['GETNowhereHandler']);
    await expect(callHandler(plugin, 0)).rejects.toMatchObject({ code: 'PLUGIN_CRASHED' });
    const [fault] = await until(() => faults.length > 0 && faults);
    expect(fault!.stack![0]).toBe('0x0');
    expect(fault!.stack![1]).toMatch(/^GETNowhereHandler\+0x[0-9a-f]+ \(crash_deep\.so\)$/);
  });

  it.each([['stack_overflow.c', /^deeper\+/], ['abort.c', /^GETFaultHandler\+/], ['exit_zero.c', /^GETFaultHandler\+/], ['fpe.c', /^GETFaultHandler\+/]])(
    'of another kind has its stack, too (%s)',
    async (fixture, words) => {
      const { plugin, faults } = await reporting(fixture, ['GETFaultHandler']);
      await expect(callHandler(plugin, 0)).rejects.toMatchObject({ code: 'PLUGIN_CRASHED' });
      const [fault] = await until(() => faults.length > 0 && faults);
      expect(fault!.stack!.some((line) => words.test(line))).toBe(true);
      expect(fault!.stack!.length).toBeLessThanOrEqual(40);
    },
  );

  it('in a thread of the library that serves no call is nobody’s', async () => {
    const { plugin, faults } = await reporting('idle_thread_crash.c', ['GETFaultHandler']);
    await callHandler(plugin, 0);
    const [fault] = await until(() => faults.length > 0 && faults);
    expect([fault!.handler, fault!.calls]).toEqual([undefined, []]);
    expect(fault!.stack![0]).toMatch(/^crash\+0x[0-9a-f]+ \(idle_thread_crash\.so\)$/);
  });
});

describe('a hang', () => {
  const hangOf = async (fixture: string): Promise<Fault> => {
    const { plugin, faults } = await reporting(fixture, ['GETFaultHandler']);
    expect(await askUntil(plugin, 0, 100, { id: 'hung' })).toBe('TIMEOUT');
    return (await until(() => faults.length > 0 && faults))[0]!;
  };

  it('is reported with its handler', async () => {
    expect(await hangOf('hang.c')).toMatchObject({ kind: 'hang', handler: 'GETFaultHandler', request: 'hung', signal: 'SIGKILL' });
  });

  (process.platform === 'linux' ? it : it.skip).each([
    ['computes', 'hang.c'],
    ['sleeps', 'hang_asleep.c'],
  ])('and where it is, where it %s', async (_, fixture) => {
    const { stack, calls } = await hangOf(fixture);
    expect(stack!.some((line) => /^GETFaultHandler\+0x[0-9a-f]+ /.test(line))).toBe(true);
    expect(calls).toEqual([{ handler: 'GETFaultHandler', request: 'hung' }]);
  });

  it.each([
    ['blocks all signals', 'block_signals.c'],
    ['ends by that signal', 'hang_deaf.c'],
  ])('of a library that %s is one all the same', async (_, fixture) => {
    expect(await hangOf(fixture)).toMatchObject({ kind: 'hang', handler: 'GETFaultHandler', request: 'hung' });
  });
});
