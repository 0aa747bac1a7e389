import { existsSync, readFileSync, statSync } from 'node:fs';
import { examineLibrary } from '../../src/binary/file';
import { BodyMode } from '../../src/plugin/handlers';
import { MOST_ROUTES } from '../../src/plugin/route';
import type { Instance, PluginFile, Runtime } from '../../src/plugin/runtime';
import { inlineRuntime, threadRuntime } from '../../src/runtimes/native/runtime';
import { processRuntime } from '../../src/runtimes/supervised/runner/runtime';
import { compileFixture } from '../support/compile';
import { recordedLog, type RecordedLog } from '../support/log';
import { callHandler, copyLibrary, pluginSource, textOf } from '../support/runtime';

const runtimes: readonly (readonly [string, () => Runtime])[] = [
  ['thread', () => threadRuntime()],
  ['thread without the addon', () => threadRuntime({ addon: false })],
  ['inline', () => inlineRuntime()],
  ['inline without the addon', () => inlineRuntime({ addon: false })],
  ['process', () => processRuntime()],
];

describe.each(runtimes)('mode %s', (_, create) => {
  let runtime: Runtime;
  let trace: string;
  let log: RecordedLog;
  const opened: Instance[] = [];

  beforeEach(() => {
    runtime = create();
    log = recordedLog();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((plugin) => plugin.close(5000)));
  });

  /** Opens the fixture as the host does: examined first. */
  const open = async (flags: readonly string[] = [], settings = {}, routed: readonly string[] = []): Promise<Instance> => {
    const library = copyLibrary(compileFixture('routes.c', flags));
    trace = `${library}.trace`;
    const { dev, ino } = statSync(library);
    const file: PluginFile = { path: library, base: 'routes.so', identity: `${dev}:${ino}`, fingerprint: '' };
    const handlers = await examineLibrary(file, routed);
    const source = pluginSource(library, { symbols: [], settings, log: log.log });
    const plugin = await runtime.open({ ...source, file, handlers });
    opened.push(plugin);
    return plugin;
  };
  const close = async (plugin: Instance): Promise<void> => {
    opened.splice(opened.indexOf(plugin), 1);
    await plugin.close(5000);
  };
  const steps = (): string[] => (existsSync(trace) ? readFileSync(trace, 'utf8').trim().split('\n') : []);
  const macro = (name: string, text: string): string => `-D${name}=${JSON.stringify(text)}`;

  it('starts, asks and stops in order, and knows name and routes', async () => {
    const plugin = await open(['-DINIT'], { config: { a: 1 } });
    expect(plugin.title).toBe('The Greeter');
    expect(plugin.routes).toEqual([
      { method: 'GET', path: '/hello/{name}', handler: 'GETHelloHandler' },
      { method: 'POST', path: '/hello/{name}', handler: 'greet' },
      { method: 'GET', path: '/files/{path...}', handler: 'show' },
    ]);
    const begun = ['init', '{"a":1}', 'name', 'start', '{"a":1}', 'routes', 'own routes'];
    expect(textOf(await callHandler(plugin, plugin.handlers.bySymbol('GETTraceHandler')!.index))).toBe(begun.join(' '));
    await close(plugin);
    expect(steps()).toEqual([...begun, 'end', 'stop']);
  });

  it('calls a function that is named unlike any handler', async () => {
    const plugin = await open();
    expect(textOf(await callHandler(plugin, plugin.handlers.bySymbol('greet')!.index))).toContain('"http_vars"');
    expect(plugin.handlers.get('greet')).toBeUndefined();
  });

  it('asks no data how a body is taken', async () => {
    expect((await open()).handlers.bySymbol('greet')?.body).toBe(BodyMode.TEXT);
    await expect(open(['-DBODY_IS_DATA'])).rejects.toMatchObject({ code: 'LOAD_FAILED', message: /tellHandlerBody must be a function, and is data in it/ });
  });

  it('has none of it where the library has none of it', async () => {
    const plugin = await open(['-DNO_ROUTES', '-DNO_FACTORY']);
    expect([plugin.title, plugin.routes, plugin.handlers.declaresRoutes]).toEqual([undefined, [], false]);
  });

  it('refuses a library whose start fails, in its words, and stops what PluginInit began', async () => {
    await expect(open(['-DINIT', macro('FAILS', 'no database')])).rejects.toMatchObject({
      code: 'INIT_FAILED',
      message: 'PluginInit of routes.so failed: PluginFactory.start: no database',
    });
    expect(steps()).toEqual(['init', '{}', 'name', 'start', '{}', 'stop']);
  });

  it('logs what a stop reports, and calls PluginStop all the same', async () => {
    await close(await open([macro('ENDS_BADLY', 'a file is left')]));
    expect(log.lines.map(({ msg }) => msg)).toContain('routes.so was not stopped as it should be: PluginFactory.stop: a file is left');
    expect(steps().slice(-2)).toEqual(['end', 'stop']);
  });

  it('takes the fields that the size of a factory tells of', async () => {
    const plugin = await open(['-DFACTORY_SIZE=16']);
    expect([plugin.title, plugin.routes.length]).toEqual(['The Greeter', 2]);
    await close(plugin);
    expect(steps()).toEqual(['name', 'routes', 'stop']);
    await expect(open(['-DFACTORY_SIZE=8'])).rejects.toMatchObject({
      code: 'LOAD_FAILED',
      message: 'routes.so did not load: its PluginFactory has no name, or no size that holds one',
    });
  });

  it.each([
    ['[', /^routes.so did not load: PluginRoutes gave no JSON: /],
    ['{}', /PluginRoutes gave no list of routes$/],
    ['[1]', /its route 1 is no object with method, path and handler$/],
    ['[{"method":"GET","path":"/a"}]', /its route 1 has no text as its handler$/],
    ['[{"method":"BREW","path":"/a","handler":"greet"}]', /has the method "BREW": there are CHECKOUT, DELETE, GET/],
    ['[{"method":"GET","path":"/_ready","handler":"greet"}]', /has the path "\/_ready", which begins with "\/_"/],
    ['[{"method":"GET","path":"/a/../b","handler":"greet"}]', /has a segment ".."/],
    ['[{"method":"GET","path":"/a","handler":"absent"}]', /it exports no function absent, to which its route GET \/a leads$/],
    ['[{"method":"GET","path":"/a","handler":"not_a_function"}]', /it exports no function not_a_function, to which/],
  ])('refuses routes that are %s, and stops the plugin', async (routes, message) => {
    await expect(open([macro('ROUTES', routes)])).rejects.toMatchObject({ code: 'LOAD_FAILED', message: expect.stringMatching(message) as string });
    expect(steps().slice(-2)).toEqual(['end', 'stop']);
  });

  it('takes a thousand routes, and refuses ten thousand', async () => {
    expect((await open([`-DMANY=${MOST_ROUTES}`, macro('OWN_ROUTES', '')])).routes).toHaveLength(MOST_ROUTES);
    await expect(open(['-DMANY=10000'])).rejects.toThrow(`PluginRoutes gave 10000 routes, and a plugin may have ${MOST_ROUTES}`);
  });

  it('refuses more text than it would read', async () => {
    await expect(open(['-DMANY=100000'])).rejects.toMatchObject({ code: 'LOAD_FAILED' });
  });

  it('finds the functions that the configuration names, before anything runs', async () => {
    const flags = ['-DNO_ROUTES', '-DNO_FACTORY'];
    const plugin = await open(flags, {}, ['show']);
    expect(textOf(await callHandler(plugin, plugin.handlers.bySymbol('show')!.index))).toContain('"http_vars"');
    await expect(open(flags, {}, ['shown'])).rejects.toThrow('it exports no function shown, to which a route in the configuration leads');
    await expect(open(flags, {}, ['not_a_function'])).rejects.toThrow('its not_a_function is data, not a function, to which a route in the configuration leads');
  });
});
