import { cpSync, renameSync } from 'node:fs';
import path from 'node:path';
import { compileFixture } from '../support/compile';
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
