import { FactoryRegistry } from '../../src/plugin/lifecycle/factory-registry';
import { findCycle, withPredecessors } from '../../src/plugin/lifecycle/graph';
import type { Plugin, Route } from '../../src/plugin/lifecycle/plugin';
import { Registry } from '../../src/plugin/lifecycle/registry';
import { registerRouteProviders } from '../../src/plugin/lifecycle/routes';

interface Traits {
  readonly after?: readonly string[];
  readonly routes?: readonly Route[];
  /** How often each of them fails. */
  startFails?: number;
  stopFails?: number;
  /** Waited for. */
  readonly start?: () => Promise<void>;
}

let events: string[];
beforeEach(() => (events = []));

function plugin(name: string, traits: Traits = {}): Plugin {
  const { after, routes, start } = traits;
  const act = async (what: 'start' | 'stop', fails: number | undefined): Promise<void> => {
    events.push(`${what} ${name}`);
    if (what === 'start') await start?.();
    // In a later turn, so that who does not wait is found out.
    await new Promise(setImmediate);
    if (fails !== undefined && fails > 0) throw new Error(`no ${what}`);
    events.push(`${name} ${what}ed`);
  };
  return {
    name: () => name,
    start: () => act('start', traits.startFails === undefined ? undefined : traits.startFails--),
    stop: () => act('stop', traits.stopFails === undefined ? undefined : traits.stopFails--),
    ...(after && { after: () => after }),
    ...(routes && { routes: () => routes }),
  };
}

function registryOf(...plugins: readonly Plugin[]): Registry {
  const registry = new Registry();
  for (const one of plugins) registry.register(one);
  return registry;
}

const words = (errors: readonly { plugin: string; error: unknown }[]): string[] => errors.map(({ plugin: name, error }) => `${name}: ${(error as Error).message}`);
function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
}
const at = (event: string): number => {
  expect(events).toContain(event);
  return events.indexOf(event);
};

describe('Registry', () => {
  test('keeps plugins by name, in order of insertion, each name once', () => {
    const first = plugin('first');
    const registry = registryOf(plugin('z'), first, plugin('a'));
    expect(registry.names()).toEqual(['z', 'first', 'a']);
    expect(registry.get('first')).toBe(first);
    expect(registry.get('none')).toBeUndefined();
    expect(thrownBy(() => registry.register(plugin('a')))).toMatchObject({ code: 'NAME_TAKEN' });
    expect([registry.unregister('first'), registry.unregister('first'), registry.get('first')]).toEqual([true, false, undefined]);
    registry.register(plugin('first'));
    expect(registry.names()).toEqual(['z', 'a', 'first']);
  });

  test.each([[null], [{}], ['text'], [{ name: (): string => 'x', start: (): void => undefined }], [{ ...plugin('x'), name: () => '' }], [{ ...plugin('x'), name: () => 7 }]])(
    'refuses what is no plugin: %p',
    (value) => {
      expect(thrownBy(() => new Registry().register(value as Plugin))).toMatchObject({ code: 'BAD_PLUGIN' });
    },
  );

  test('starts in order and stops in reverse, one after the other', async () => {
    const registry = registryOf(plugin('a'), plugin('b'), plugin('c'));
    expect(await registry.startAll()).toEqual([]);
    expect(registry.names().map((name) => registry.isRunning(name))).toEqual([true, true, true]);
    expect(await registry.stopAll()).toEqual([]);
    const started = ['start a', 'a started', 'start b', 'b started', 'start c', 'c started'];
    expect(events).toEqual([...started, 'stop c', 'c stoped', 'stop b', 'b stoped', 'stop a', 'a stoped']);
  });

  test('starts what does not run, and stops what runs', async () => {
    const registry = registryOf(plugin('a'));
    await registry.stopAll();
    expect(events).toEqual([]);
    await registry.startAll();
    registry.register(plugin('b'));
    await registry.startAll();
    expect(events.filter((event) => event.startsWith('start '))).toEqual(['start a', 'start b']);
    await registry.stopAll();
    await registry.stopAll();
    expect(events.filter((event) => event.startsWith('stop '))).toEqual(['stop b', 'stop a']);
  });

  test('gives the errors, goes on with the others, and tries again', async () => {
    const registry = registryOf(plugin('a'), plugin('b', { startFails: 1 }), plugin('c', { stopFails: 1 }));
    expect(words(await registry.startAll())).toEqual(['b: no start']);
    expect(registry.isRunning('b')).toBe(false);
    expect(words(await registry.stopAll())).toEqual(['c: no stop']);
    expect(['a', 'b', 'c'].map((name) => registry.isRunning(name))).toEqual([false, false, true]);
    expect(await registry.stopAll()).toEqual([]);
    expect(await registry.startAll()).toEqual([]);
    expect(registry.isRunning('b')).toBe(true);
  });

  test('takes a start that throws at once, and anything that is thrown', async () => {
    const rude: Plugin = { ...plugin('rude'), start: (): void => { throw 'words' as unknown as Error; } };
    expect(await registryOf(rude, plugin('b')).startAll()).toEqual([{ plugin: 'rude', error: 'words' }]);
    expect(events).toContain('b started');
  });

  describe('with after', () => {
    test('starts as soon as what comes before runs, beside others, wherever it is registered', async () => {
      let open!: () => void;
      const gate = new Promise<void>((resolve) => (open = resolve));
      const registry = registryOf(plugin('web', { after: ['db', 'log'] }), plugin('db', { after: [], start: () => gate }), plugin('log', { after: [] }), plugin('mail', { after: ['log'] }));
      const started = registry.startAll();
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(events).toEqual(['start db', 'start log', 'log started', 'start mail', 'mail started']);
      open();
      expect(await started).toEqual([]);
      expect(events.at(-1)).toBe('web started');
      expect(await registry.stopAll()).toEqual([]);
      expect(at('web stoped')).toBeLessThan(at('stop db'));
      expect(Math.max(at('web stoped'), at('mail stoped'))).toBeLessThan(at('stop log'));
      expect(at('stop mail')).toBeLessThan(at('web stoped'));
    });

    test('what can not start blocks what comes after it, near and far, and nobody else', async () => {
      const registry = registryOf(plugin('db', { after: [], startFails: 1 }), plugin('web', { after: ['db'] }), plugin('ads', { after: ['web'] }), plugin('log', { after: [] }), plugin('plain'));
      const errors = await registry.startAll();
      expect(words(errors)).toEqual([
        'db: no start',
        'web: web comes after db, which could not be started: no start',
        'ads: ads comes after web, which could not be started: web comes after db, which could not be started: no start',
      ]);
      expect(errors[1]!.error).toMatchObject({ code: 'START_BLOCKED', status: 503, details: { plugin: 'web', earlier: 'db' }, headers: { 'Retry-After': '5' } });
      expect(['log', 'plain', 'web'].map((name) => registry.isRunning(name))).toEqual([true, true, false]);
      expect(events).not.toContain('start web');
      expect(await registry.startAll()).toEqual([]);
      expect(registry.isRunning('ads')).toBe(true);
    });

    test('one start brings those before it, one stop those behind it', async () => {
      const registry = registryOf(plugin('db', { after: [] }), plugin('web', { after: ['db'] }), plugin('log', { after: [] }));
      await Promise.all([registry.start('web'), registry.start('web'), registry.start('db')]);
      expect(events).toEqual(['start db', 'db started', 'start web', 'web started']);
      await registry.stop('db');
      expect(events.slice(4)).toEqual(['stop web', 'web stoped', 'stop db', 'db stoped']);
      await expect(registry.start('wep')).rejects.toMatchObject({ code: 'UNKNOWN_PLUGIN', message: 'no plugin wep is registered: did you mean web?' });
      await expect(registry.stop('else')).rejects.toMatchObject({ code: 'UNKNOWN_PLUGIN', message: 'no plugin else is registered' });
    });

    test('names that nobody has block', async () => {
      const registry = registryOf(plugin('web', { after: ['dv'] }), plugin('db'));
      expect(words(await registry.startAll())).toEqual(['web: web comes after dv, which could not be started: no plugin dv is registered: did you mean db?']);
    });

    test('refuses a circle when it closes, with the whole of it', () => {
      const registry = registryOf(plugin('a', { after: ['b'] }), plugin('b', { after: ['c'] }));
      expect(() => registry.register(plugin('c', { after: ['a'] }))).toThrow("c can't be registered: c comes after a, which comes after b, which comes after c");
      expect(() => registry.register(plugin('d', { after: ['d'] }))).toThrow('d comes after d');
      expect(registry.names()).toEqual(['a', 'b']);
    });

    test('starts and stops that meet neither wait for each other nor leave anything between', async () => {
      const registry = registryOf(plugin('db', { after: [] }), plugin('web', { after: ['db'] }));
      const all = [registry.startAll(), registry.stop('db'), registry.start('web'), registry.stopAll(), registry.startAll()];
      await Promise.all(all);
      await registry.startAll();
      expect([registry.isRunning('db'), registry.isRunning('web')]).toEqual([true, true]);
      await Promise.all([registry.stop('db'), registry.start('web')]);
      const open = new Set<string>();
      for (const event of events) {
        const [first, second] = event.split(' ') as [string, string];
        if (second === 'started') open.add(first);
        else if (second === 'stoped') open.delete(first);
        if (event === 'start web') expect([...open]).toEqual(['db']);
        if (event === 'stop db') expect([...open]).toEqual(['db']);
      }
    });
  });
});

test('discoverFromValues registers what has the shape of a plugin and passes over the rest', () => {
  class Made {
    name(): string {
      return 'made';
    }
    start(): void {}
    stop(): void {}
  }
  const registry = new Registry();
  let calls = 0;
  const unknown = [undefined, null, 1, 'text', {}, [], () => calls++, Made, { name: 'data', start: () => undefined, stop: () => undefined }, { ...plugin('x'), name: (): string => { throw new Error('mute'); } }];
  expect(registry.discoverFromValues(plugin('one'), ...unknown, new Made(), plugin('one'), Object.create(plugin('heir')))).toBe(3);
  expect(registry.names()).toEqual(['one', 'made', 'heir']);
  expect(calls).toBe(0);
  expect(registry.discoverFromValues()).toBe(0);
});

test('FactoryRegistry makes plugins by name', () => {
  const factories = new FactoryRegistry();
  factories.register('sample', () => plugin('sample'));
  factories.register('other', () => plugin('other'));
  expect(factories.names()).toEqual(['sample', 'other']);
  expect(factories.create('sample').name()).toBe('sample');
  expect(factories.create('sample')).not.toBe(factories.create('sample'));
  expect(thrownBy(() => factories.register('sample', () => plugin('sample')))).toMatchObject({ code: 'NAME_TAKEN' });
  expect(thrownBy(() => factories.create('sampel'))).toMatchObject({ code: 'UNKNOWN_PLUGIN', message: 'no factory sampel is registered: did you mean sample?' });
  expect(thrownBy(() => factories.register('bad', 7 as never))).toMatchObject({ code: 'BAD_PLUGIN' });
  factories.register('empty', () => ({}) as never);
  expect(thrownBy(() => factories.create('empty'))).toMatchObject({ code: 'BAD_PLUGIN' });
});

test('registerRouteProviders hands on the routes of those that have some, in order', () => {
  const route = (method: string, path: string): Route => ({ method, path, handler: () => undefined });
  const routes = [route('GET', '/a/{id}'), route('POST', '/a')];
  const more = [route('GET', '/c')];
  const added: Route[] = [];
  const registry = registryOf(plugin('a', { routes }), plugin('b'), plugin('c', { routes: more }));
  expect(registerRouteProviders(registry, { add: (method, path, handler) => added.push({ method, path, handler }) })).toBe(3);
  expect(added).toEqual([...routes, ...more]);
});

test('a long chain is no deep one', () => {
  const chain: ReadonlyMap<string, readonly string[]> = new Map(Array.from({ length: 50_000 }, (_, i) => [`p${i}`, [`p${i + 1}`]] as const));
  expect(findCycle(chain)).toBeUndefined();
  expect(findCycle(new Map([...chain, ['p50000', ['p49999']] as const]))).toEqual(['p49999', 'p50000', 'p49999']);
  expect(withPredecessors(['p49998'], (name) => chain.get(name) ?? [])).toEqual(new Set(['p49998', 'p49999', 'p50000']));
});
