import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createPluginHost, type PluginHost, type ServiceContext } from '../../src';
import { compileFixture } from '../support/compile';
import { recordedLog } from '../support/log';
import { scratch } from '../support/server';

test('the example of docs/api.md', async () => {
  const page = readFileSync(path.resolve(__dirname, '../../docs/api.md'), 'utf8');
  const code = Array.from(page.matchAll(/^```js\n(.*?)^```/gms), ([, text]) => text!).find((text) => text.includes('services:'))!;
  const pluginpath = path.join(scratch(), 'lib');
  mkdirSync(pluginpath);
  cpSync(compileFixture('asks_any.c'), path.join(pluginpath, 'a.so'));
  const sent: unknown[] = [];
  const mailer = { send: (mail: unknown, { signal }: { signal: AbortSignal }) => sent.push([mail, signal.aborted]) };
  // eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call -- the page's own text
  const host = (await new Function('createPluginHost', 'mailer', `return (async () => { ${code.replace('./lib', pluginpath)}; return host; })()`)(createPluginHost, mailer)) as PluginHost;
  const { body } = await host.call('a', 'Ask', { body: 'mail\n{"to":"ada","text":"hi"}' });
  expect(body.toString()).toBe('0 {"sent":true}');
  expect(sent).toEqual([[{ to: 'ada', text: 'hi', tag: expect.stringMatching(/^a call-/) as unknown }, false]]);
  await host.close();
});

describe.each(['thread', 'process'] as const)('what plugins ask in mode "%s"', (mode) => {
  const { log, lines } = recordedLog();
  const contexts: ServiceContext[] = [];
  let host: PluginHost;

  beforeAll(async () => {
    const pluginpath = path.join(scratch(), 'lib');
    mkdirSync(pluginpath);
    // Each is a plugin of its own.
    for (const name of ['a', 'b', 'c', ...Array.from({ length: 18 }, (_, i) => `deep${i}`)]) cpSync(compileFixture('asks_any.c'), path.join(pluginpath, `${name}.so`));
    host = await createPluginHost({
      pluginpath,
      plugins: { mode },
      plugin: { a: { config: { greeting: 'hi' } }, b: { timeout: '1s' } },
      services: {
        mail: (params, context) => {
          contexts.push(context);
          return { sent: params };
        },
        never: (_params, { signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)),
      },
    }, log);
  });
  afterAll(() => host.close());

  const ask = async (service: string, params: unknown, plugin = 'a'): Promise<[number, unknown]> => {
    const { body } = await host.call(plugin, 'Ask', { body: `${service}\n${JSON.stringify(params)}`, headers: { 'x-request-id': 'r1' } });
    const [said, ...answer] = body.toString().split(' ');
    return [Number(said), JSON.parse(answer.join(' '))];
  };

  test("the program's services", async () => {
    expect(await ask('mail', { to: 'ada', text: 'grüß' })).toEqual([0, { sent: { to: 'ada', text: 'grüß' } }]);
    expect(contexts).toMatchObject([{ plugin: 'a', handler: 'POSTAskHandler' }]);
    expect(Math.abs(contexts[0]!.deadline - Date.now() - 30_000)).toBeLessThan(10_000);
    expect(await ask('mial', {})).toEqual([-4, { code: 'UNKNOWN_SERVICE', message: 'there is no service "mial": did you mean mail?' }]);
  });

  test('config and state', async () => {
    expect(await ask('config', null)).toEqual([0, { greeting: 'hi' }]);
    expect(await ask('state', { op: 'increment', key: 'visits' })).toEqual([0, 1]);
    expect(await ask('state', { op: 'increment', key: 'visits' })).toEqual([0, 2]);
    expect(await ask('state', { op: 'get', key: 'visits' }, 'b')).toEqual([0, null]);
    expect(await ask('state', { op: 'get' })).toEqual([-4, { code: 'BAD_PARAMS', message: 'state get: key is missing' }]);
  });

  test('another plugin, and what that asks', async () => {
    const inner = (service: string, params: unknown): string => `${service}\n${JSON.stringify(params)}`;
    const [said, reply] = await ask('call', { plugin: 'b', func: 'Ask', body: inner('call', { plugin: 'c', func: 'Ask', body: inner('state', { op: 'increment', key: 'n' }) }) });
    expect(said).toBe(0);
    expect(reply).toMatchObject({ status: 200, body: expect.stringContaining('"body":"0 1"') as unknown });
  });

  test('a circle of calls is named, in place of waiting for itself', async () => {
    const back = (plugin: string, body: string): string => `call\n${JSON.stringify({ plugin, func: 'Ask', body })}`;
    const [, reply] = await ask('call', { plugin: 'b', func: 'Ask', body: back('c', back('a', 'x')) });
    expect(JSON.stringify(reply)).toContain('a calls b calls c calls a: no call may lead back to a plugin that waits for it');
    expect(await ask('call', { plugin: 'a', func: 'Pid' })).toMatchObject([-4, { code: 'CALL_CIRCLE' }]);
  });

  test('a chain of calls has an end', async () => {
    let body = 'config';
    for (let i = 17; i > 0; i--) body = `call\n${JSON.stringify({ plugin: `deep${i}`, func: 'Ask', body })}`;
    expect((await host.call('deep0', 'Ask', { body })).body.toString()).toMatch(/CALL_DEPTH.*deep16 would be called for 16 plugins that wait for each other already/);
  });

  test('who has no time left is told, and answered in time', async () => {
    await expect(ask('never', null, 'b')).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(await ask('config', null, 'b')).toEqual([0, {}]);
  });

  test('its lines are in the log', () => {
    expect(lines.filter(({ level }) => Number(level) > 40)).toEqual([]);
  });

  test('a thousand questions of each of several calls at once', async () => {
    const count = async (): Promise<number> => (await ask('state', { op: 'increment', key: 'n', by: 0 }, 'c'))[1] as number;
    const before = await count();
    const replies = await Promise.all(Array.from({ length: 4 }, () => host.call('c', 'Thousand')));
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(await count()).toBe(before + 4000);
  });
});
