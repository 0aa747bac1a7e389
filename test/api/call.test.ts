import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runInNewContext } from 'node:vm';
import type { Mode, PluginHost } from '../../src';
import { embed } from '../support/embed';
import { scratch } from '../support/server';
import { until } from '../support/until';

const MODES: readonly Mode[] = ['thread', 'inline', 'process'];

describe.each(MODES)('host.call in mode "%s"', (mode) => {
  let host: PluginHost;
  let gate: string;

  beforeAll(async () => {
    gate = path.join(scratch(), 'gate');
    const fixtures = ['echo.c', 'bytes.c', 'cookies.c', 'status.c', 'gate.c', 'null_reply.c'];
    ({ host } = await embed(fixtures, { plugins: { mode }, plugin: { gate: { config: { gate } } } }));
  });
  afterAll(async () => {
    writeFileSync(gate, '');
    await host.close();
  });

  const echo = async (...[func, options]: [string, Parameters<PluginHost['call']>[2]?]): Promise<unknown> => {
    const { body } = await host.call('echo', func, options);
    return JSON.parse(body.toString()) as unknown;
  };

  it('gives status, headers and body', async () => {
    const reply = await host.call('cookies', 'Cookies');
    expect(reply).toEqual({
      status: 200,
      headers: {
        'set-cookie': ['a=1', 'b=2'],
        'x-mine': "the plugin's",
        vary: ['one', 'two'],
        'content-type': 'application/json; charset=utf-8',
        'content-length': '5',
      },
      body: Buffer.from('hello'),
    });
    expect((await host.call('status', 'Teapot')).status).toBe(418);
  });

  it('says what a request would say', async () => {
    const plain = { http_vars: { file: 'echo', func: 'Echo' }, url_query: {}, method: 'GET', path: '/_PLUGIN/echo/Echo', headers: {}, body: null };
    expect(await echo('Echo')).toEqual(plain);
    const url_query = { a: ['1', '2'], b: ['x y'] };
    for (const query of ['a=1&b=x+y&a=2', '?a=1&a=2&b=x%20y', { a: ['1', '2'], b: 'x y' }, new URLSearchParams('a=1&a=2&b=x+y')]) {
      expect(await echo('Echo', { query })).toEqual({ ...plain, url_query });
    }
    expect(await echo('Echo', { headers: { 'X-One': 'a', 'x-two': ['b', 'c'] } })).toEqual({ ...plain, headers: { 'x-one': 'a', 'x-two': 'b, c' } });
    expect(await echo('Echo', { body: 'grüß' })).toEqual({ ...plain, method: 'POST', body: 'grüß' });
    expect(await echo('Echo', { method: 'POST' })).toEqual({ ...plain, method: 'POST' });
    expect(await echo('Echo', { body: '' })).toEqual({ ...plain, method: 'POST', body: '' });
  });

  it('carries bytes both ways', async () => {
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i);
    expect((await host.call('bytes', 'Bytes', { body: bytes.subarray(100) })).body.equals(bytes.subarray(100))).toBe(true);
    expect((await host.call('bytes', 'AllBytes')).body.length).toBe(256);
  });

  it('takes bytes of another realm, as a test runner may have them', async () => {
    const body = runInNewContext('new Uint8Array([1, 2])') as Uint8Array;
    expect((await host.call('bytes', 'Bytes', { body })).body).toEqual(Buffer.from([1, 2]));
  });

  it('fails as a request would', async () => {
    const refused = (call: Promise<unknown>, code: string): Promise<void> => expect(call).rejects.toMatchObject({ name: 'DlserveError', code });
    await refused(host.call('nope', 'Echo'), 'LIBRARY_NOT_FOUND');
    await refused(host.call('echo', 'echo'), 'HANDLER_NOT_FOUND');
    await refused(host.call('../echo', 'Echo'), 'BAD_NAME');
    await refused(host.call('echo', 'Echo', { method: 'PUT' }), 'METHOD_NOT_ALLOWED');
    await refused(host.call('null_reply', 'NullReply'), 'NO_REPLY');
  });

  it('takes no option that it does not know, and no value of a wrong kind', async () => {
    const wrong = [
      { methd: 'POST' }, { method: 1 }, { timeout: '1s' }, { timeout: -1 }, { timeout: NaN }, { body: { a: 1 } },
      { query: { a: 1 } }, { query: { a: undefined } }, { query: 1 }, { headers: { a: ['1', 2] } }, { headers: null }, { headers: 'a: 1' }, { headers: { 'a":"1","b': 'x' } },
      { signal: 1 }, { signal: {} },
    ];
    for (const options of wrong) await expect(host.call('echo', 'Echo', options as never)).rejects.toMatchObject({ code: 'BAD_CALL' });
  });

  it('answers OPTIONS as over HTTP, and waits as long as it may', async () => {
    expect(await host.call('echo', 'Echo', { method: 'OPTIONS' })).toMatchObject({ status: 204, headers: { allow: expect.stringContaining('GET') as string } });
    expect((await host.call('echo', 'Echo', { timeout: Infinity })).status).toBe(200);
  });

  it('heeds a signal that was given before', async () => {
    await expect(host.call('echo', 'Echo', { signal: AbortSignal.abort(new Error('mine')) })).rejects.toThrow('mine');
  });

  if (mode === 'inline') return;

  it('ends at its deadline, or when its signal says so; what has not begun never begins', async () => {
    const begun = async (): Promise<string> => (await host.call('gate', 'Begun')).body.toString();
    const running = host.call('gate', 'Wait');
    await until(() => existsSync(`${gate}.begun`));
    await expect(host.call('gate', 'Wait', { timeout: 50 })).rejects.toMatchObject({ code: 'TIMEOUT', message: /gate took longer than 50 ms/ });
    const stop = new AbortController();
    const waiting = host.call('gate', 'Wait', { signal: stop.signal });
    setTimeout(() => stop.abort(new Error('no more')), 20);
    await expect(waiting).rejects.toThrow('no more');
    writeFileSync(gate, '');
    expect((await running).body.toString()).toBe('through');
    expect(await begun()).toBe('1');
  });
});

it('ends also while the plugin is opened', async () => {
  const gate = path.join(scratch(), 'gate');
  const { host } = await embed(['slow_init.c'], { plugin: { slow_init: { config: { gate } } } });
  await expect(host.call('slow_init', 'Hello', { timeout: 20 })).rejects.toMatchObject({ code: 'TIMEOUT' });
  await expect(host.call('slow_init', 'Hello', { signal: AbortSignal.timeout(20) })).rejects.toMatchObject({ name: 'TimeoutError' });
  writeFileSync(gate, '');
  expect((await host.call('slow_init', 'Hello')).body.toString()).toBe('hello');
  await host.close();
  await expect(host.call('slow_init', 'Hello')).rejects.toMatchObject({ code: 'STOPPING' });
});

it('survives what it calls, in mode "process"', async () => {
  const { host } = await embed(['crash.c'], { plugins: { mode: 'process' } });
  await expect(host.call('crash', 'Fault')).rejects.toMatchObject({ code: 'PLUGIN_CRASHED' });
  expect((await host.call('crash', 'Echo')).status).toBe(200);
  await host.close();
});
