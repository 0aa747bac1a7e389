import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { OwnState } from '../../../src/host/services/state/own-state';
import { Table } from '../../../src/host/services/state/table';
import { scratch } from '../../support/server';
import { asker, serve, type Served } from './support';

const LIMITS = { keys: 3, valuelimit: 100, limit: 200 };
const OWN_STATE = path.resolve(__dirname, '../../../dist/host/services/state/own-state.js');

describe('the service', () => {
  let served: Served;
  const state = (params: object): Promise<unknown> => served.ask('state', params);
  beforeEach(() => void (served = serve()));
  afterEach(() => served.host.close(5000));

  test('gets, sets and deletes', async () => {
    expect(await state({ op: 'get', key: 'a' })).toBeNull();
    expect(await state({ op: 'set', key: 'a', value: { deep: ['x', 1.5, null] } })).toBeNull();
    expect(await state({ op: 'get', key: 'a' })).toEqual({ deep: ['x', 1.5, null] });
    expect(await state({ op: 'delete', key: 'a' })).toBe(true);
    expect(await state({ op: 'delete', key: 'a' })).toBe(false);
    await state({ op: 'set', key: 'a', value: 1 });
    await state({ op: 'set', key: 'a', value: null });
    expect(await state({ op: 'delete', key: 'a' })).toBe(false);
  });

  test('increments', async () => {
    expect(await state({ op: 'increment', key: 'n' })).toBe(1);
    expect(await state({ op: 'increment', key: 'n', by: -11 })).toBe(-10);
    expect(await state({ op: 'increment', key: 'n', by: 0.5 })).toBe(-9.5);
    await state({ op: 'set', key: 'n', value: Number.MAX_SAFE_INTEGER });
    expect(await state({ op: 'increment', key: 'n' })).toMatchObject({ error: 'STATE_NUMBER' });
    expect(await state({ op: 'get', key: 'n' })).toBe(Number.MAX_SAFE_INTEGER);
    await state({ op: 'set', key: 'n', value: '7' });
    expect(await state({ op: 'increment', key: 'n' })).toEqual({ error: 'STATE_NUMBER', message: `"n" can't be incremented: its value is no number` });
  });

  test('compares and sets', async () => {
    const swap = (old: unknown, value: unknown): Promise<unknown> => state({ op: 'compare-and-set', key: 'c', old, value });
    expect(await swap(1, 2)).toEqual({ done: false, value: null });
    expect(await swap(null, { a: 1, b: [2] })).toEqual({ done: true, value: { a: 1, b: [2] } });
    expect(await swap(null, 3)).toEqual({ done: false, value: { a: 1, b: [2] } });
    expect(await swap({ b: [2], a: 1 }, 4)).toEqual({ done: true, value: 4 });
    expect(await swap(4, null)).toEqual({ done: true, value: null });
    expect(await state({ op: 'delete', key: 'c' })).toBe(false);
  });

  test('gives each plugin names of its own', async () => {
    await state({ op: 'set', key: 'k', value: 'mine' });
    expect(await served.ask('state', { op: 'get', key: 'k' }, asker('other'))).toBeNull();
  });

  test('takes any text as a key', async () => {
    const keys = ['__proto__', 'constructor', 'ü\0ü', ' ', 'x'.repeat(512)];
    for (const key of keys) await state({ op: 'set', key, value: key });
    expect(await Promise.all(keys.map((key) => state({ op: 'get', key })))).toEqual(keys);
  });

  test.each([
    [null, 'state: params must be an object, not null'],
    [[], 'state: params must be an object, not a list'],
    [{}, 'state: op is missing'],
    [{ op: 'put' }, 'state: op must be one of get, delete, set, increment, compare-and-set, not "put"'],
    [{ op: 'toString' }, /op must be one of/],
    [{ op: 'get' }, 'state get: key is missing'],
    [{ op: 'get', key: 7 }, 'state get: key must be text, not 7'],
    [{ op: 'get', key: '' }, 'state get: key must have 1 to 512 bytes'],
    [{ op: 'get', key: 'ü'.repeat(257) }, 'state get: key must have 1 to 512 bytes'],
    [{ op: 'get', key: '\ud800' }, 'state get: key must be well-formed Unicode'],
    [{ op: 'get', key: 'k', value: 1 }, 'state get: unknown "value": there are op, key'],
    [{ op: 'set', key: 'k' }, 'state set: value is missing; null is none'],
    [{ op: 'set', key: 'k', value: 1, ttl: 0 }, 'state set: ttl must be a number of milliseconds above 0, not 0'],
    [{ op: 'increment', key: 'k', by: '1' }, 'state increment: by must be a number, not "1"'],
    [{ op: 'compare-and-set', key: 'k', value: 1 }, 'state compare-and-set: old is missing; null is none'],
  ])('%j is refused', async (params, message) => {
    expect(await served.ask('state', params)).toEqual({ error: 'BAD_PARAMS', message: expect.stringMatching(message) as unknown });
  });
});

describe('a table', () => {
  const changes: [string, string | undefined][] = [];
  let table: Table;
  beforeEach(() => {
    changes.length = 0;
    table = new Table('p', LIMITS, (key, entry) => changes.push([key, entry?.value]));
  });
  const set = (key: string, value: unknown, now: number, ttl?: number): string => table.apply({ op: 'set', key, value: JSON.stringify(value), ttl }, now);
  const get = (key: string, now: number): unknown => JSON.parse(table.apply({ op: 'get', key }, now));

  test('ends entries at their time, to the millisecond', () => {
    set('a', 1, 1_000_000, 50);
    set('b', 2, 1_000_000);
    expect([get('a', 1_000_049), get('a', 1_000_050), get('b', 9_000_000)]).toEqual([1, null, 2]);
    expect(changes).toEqual([['a', '1'], ['b', '2'], ['a', undefined]]);
  });

  test('forgets the end of an entry that is set anew', () => {
    set('a', 1, 1_000_000, 5000);
    set('a', 2, 1_000_100);
    expect(get('a', 9_000_000)).toBe(2);
    set('a', 3, 9_000_000, 10_000);
    expect([get('a', 9_009_999), get('a', 9_010_000)]).toEqual([3, null]);
  });

  test('counts in a window: the time of an increment is that of the first', () => {
    const hit = (now: number): string => table.apply({ op: 'increment', key: 'hits', by: 1, ttl: 1000 }, now);
    expect([hit(1_000_000), hit(1_000_900), hit(1_000_999), hit(1_001_000), hit(1_001_999), hit(1_002_000)]).toEqual(['1', '2', '3', '1', '2', '1']);
  });

  test('has room for what the limits say, and room again for what has ended', () => {
    const full = { code: 'STATE_FULL' };
    set('a', 1, 1_000_000, 2000);
    set('b', 1, 1_000_000, 86_400_000);
    set('c', 1, 1_000_000);
    expect(() => set('d', 1, 1_000_000)).toThrow(expect.objectContaining({ ...full, message: 'the state of p has no room: it has 3 entries already (state.keys)' }) as Error);
    set('a', 2, 1_000_000, 2000);
    set('d', 1, 1_003_000);
    expect(() => set('c', 'x'.repeat(99), 1_003_000)).toThrow(expect.objectContaining(full) as Error);
    set('c', 'x'.repeat(98), 1_003_000);
    expect(() => set('d', 'x'.repeat(98), 1_003_000)).toThrow(expect.objectContaining({ message: 'the state of p has no room: all of it may have 200 bytes (state.limit)' }) as Error);
    expect(get('d', 1_003_000)).toBe(1);
    table.apply({ op: 'delete', key: 'c' }, 1_003_000);
    set('d', 'x'.repeat(98), 90_000_000);
    set('e', 1, 90_000_000);
    set('f', 1, 90_000_000);
    expect([get('b', 90_000_000), get('f', 90_000_000)]).toEqual([null, 1]);
  });
});

describe('on disk', () => {
  const settings = (file: string): ConstructorParameters<typeof OwnState>[0] => ({ file, keys: 100_000, valuelimit: 1 << 20, limit: 1 << 30 });
  const all: OwnState[] = [];
  const open = (file: string): OwnState => {
    const state = new OwnState(settings(file));
    all.push(state);
    return state;
  };
  const json = async (state: OwnState, plugin: string, operation: Parameters<OwnState['apply']>[1]): Promise<unknown> => JSON.parse((await state.apply(plugin, operation)).json);
  afterEach(() => Promise.all(all.splice(0).map((state) => state.close())));

  test('it is there again, with the time that it has left', async () => {
    const file = path.join(scratch(), 'deep/state');
    const first = open(file);
    await first.apply('a', { op: 'set', key: 'ü \0 ', value: '{"x":"y z"}' });
    await first.apply('a', { op: 'set', key: 'brief', value: '1', ttl: 20 });
    await first.apply('a', { op: 'set', key: 'long', value: '1', ttl: 1e9 });
    await first.apply('b', { op: 'increment', key: 'n', by: 3 });
    await first.close();
    await setTimeout(25);
    const second = open(file);
    expect(await json(second, 'a', { op: 'get', key: 'ü \0 ' })).toEqual({ x: 'y z' });
    expect(await json(second, 'a', { op: 'get', key: 'brief' })).toBeNull();
    expect(await json(second, 'a', { op: 'get', key: 'long' })).toBe(1);
    expect(await json(second, 'b', { op: 'increment', key: 'n', by: 1 })).toBe(4);
  });

  test('what was answered is there, however the process ends', async () => {
    const file = path.join(scratch(), 'state');
    const program = `
      const state = new (require(${JSON.stringify(OWN_STATE)}).OwnState)(${JSON.stringify(settings(file))});
      const one = async () => { for (;;) process.stdout.write(JSON.parse((await state.apply('p', { op: 'increment', key: 'n', by: 1 })).json) + '\\n'); };
      for (let i = 0; i < 8; i++) void one();`;
    let answered = 0;
    for (let kill = 0; kill < 8; kill++) {
      const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
      let text = '';
      child.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        // Some hundred answers later, in the midst of whatever it does.
        if (text.length > 200 * (kill + 1)) child.kill('SIGKILL');
      });
      await once(child, 'close');
      const numbers = text.slice(0, text.lastIndexOf('\n')).split('\n').map(Number);
      expect(Math.min(...numbers)).toBeGreaterThan(answered);
      answered = Math.max(...numbers);
    }
    expect(answered).toBeGreaterThan(100);
  });

  test('one process has it at a time, and in that one host; the other is told', async () => {
    const file = path.join(scratch(), 'state');
    const first = open(file);
    await first.apply('p', { op: 'set', key: 'k', value: '1' });
    expect(await json(open(file), 'p', { op: 'get', key: 'k' })).toEqual({ code: 'STATE_UNAVAILABLE', message: `there is no state: state.file, ${file}: another host of this process has it open` });
    const ask = (): string => execFileSync(process.execPath, ['-e', `new (require(${JSON.stringify(OWN_STATE)}).OwnState)(${JSON.stringify(settings(file))}).apply('p', { op: 'get', key: 'k' }).then(({ json }) => console.log(json))`], { encoding: 'utf8' });
    expect(ask()).toContain('another process has it open');
    await first.close();
    expect(ask()).toBe('1\n');
  });

  test('what is no folder of a state is an error that says so, and is looked at again', async () => {
    const file = path.join(scratch(), 'state');
    writeFileSync(file, 'x');
    expect(await json(open(file), 'p', { op: 'get', key: 'k' })).toMatchObject({ code: 'STATE_UNAVAILABLE', message: expect.stringContaining(file) as unknown });
    const folder = scratch();
    writeFileSync(path.join(folder, 'CURRENT'), 'garbage');
    mkdirSync(path.join(folder, 'lost'));
    const state = open(folder);
    expect(await json(state, 'p', { op: 'get', key: 'k' })).toMatchObject({ code: 'STATE_UNAVAILABLE' });
    expect(await json(state, 'p', { op: 'get', key: 'k' })).toMatchObject({ code: 'STATE_UNAVAILABLE' });
  });
});
