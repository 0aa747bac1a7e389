import { cpSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { compileFixture } from '../support/compile';
import type { TestServer } from '../support/server';
import { until } from '../support/until';
import { childrenOf, folder, get, serve } from './support';

/** Each request by a connection of its own, so that each server process gets some. */
const APART = { headers: { connection: 'close' } };

test.each([[[]], [['--workers', '2']], [['--mode', 'process']]])('SIGHUP opens anew what has changed, in every server process %j', async (more) => {
  const cwd = folder([]);
  cpSync(compileFixture('abort.c'), path.join(cwd, 'lib/changing.so'));
  const server = await serve(cwd, more);
  const opened = (): number => server.log().filter(({ msg, plugin }) => msg === 'plugin opened' && plugin === 'changing').length;
  const count = more.includes('2') ? 2 : 1;
  const ask = (): Promise<[number, unknown]> => get(`${server.url}/_PLUGIN/changing/Teapot`, APART);
  await until(async () => (await ask())[0] === 404 && opened() === count);
  const children = more.includes('process') ? undefined : childrenOf(server);
  cpSync(compileFixture('status.c'), path.join(cwd, 'next.so'));
  renameSync(path.join(cwd, 'next.so'), path.join(cwd, 'lib/changing.so'));
  server.process.kill('SIGHUP');
  await until(() => server.log().filter(({ plugin, msg }) => plugin === 'changing' && msg === 'plugin reloaded').length === count);
  for (let i = 0; i < 2 * count; i++) expect((await ask())[0]).toBe(418);
  if (children !== undefined) expect(childrenOf(server)).toEqual(children);
});

const DECLARES = `const char *PluginRoutes(void) { return "[{\\"method\\":\\"GET\\",\\"path\\":\\"/greet\\",\\"handler\\":\\"greet\\"}]"; }
char *greet(const char *request) { return "hi"; }
`;

/** Each server process has answered so. */
const everyAnswer = (server: TestServer, target: string, status: number): Promise<unknown> =>
  until(async () => {
    for (let i = 0; i < 4; i++) if ((await get(server.url + target, APART))[0] !== status) return false;
    return true;
  });

test.each([[[]], [['--workers', '2']], [['--mode', 'process']]])('routes that a library says itself are there once its source was built, at the start and later %j', async (more) => {
  const cwd = folder([], '[plugins]\nreload = "watch"\n');
  mkdirSync(path.join(cwd, 'lib/src'));
  writeFileSync(path.join(cwd, 'lib/src/first.c'), DECLARES);
  const server = await serve(cwd, more);
  await everyAnswer(server, '/greet', 200);
  writeFileSync(path.join(cwd, 'lib/src/second.c'), DECLARES.replace('/greet', '/later'));
  await everyAnswer(server, '/later', 200);
});

test('what one server process has demoted for a hang is demoted in the other', async () => {
  const server = await serve(folder(['hang.c'], '[plugin.hang]\ntimeout = "300ms"\n'), ['--workers', '2']);
  expect((await get(`${server.url}/_PLUGIN/hang/Fault`, APART))[0]).toBe(504);
  await until(() => new Set(server.log().filter(({ msg }) => String(msg).includes('runs in mode "process" from now on')).map(({ worker }) => worker)).size === 2);
});
