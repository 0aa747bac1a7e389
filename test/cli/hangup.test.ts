import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { onTerminal } from '../support/terminal';
import { until } from '../support/until';
import { childrenOf, endAfterTest, folder, freePort, get, main, serve } from './support';

const SEVERAL = ['--workers', '2'];
/** Without a primary. */
const ALONE = ['--mode', 'process'];

test.each([[[]], [SEVERAL], [ALONE]])('SIGHUP to a server without a terminal is no end %j', async (more) => {
  const server = await serve(folder(['echo.c']), more);
  const opened = (): Set<unknown> => new Set(server.log().flatMap(({ msg, worker }) => (msg === 'plugin opened' ? [worker] : [])));
  await until(async () => (await get(`${server.url}/_PLUGIN/echo/Echo`, { headers: { connection: 'close' } }))[0] === 200 && opened().size === (more === SEVERAL ? 2 : 1));
  // Those of a server without a primary are its plugins'.
  const children = more === ALONE ? [] : childrenOf(server);
  for (const pid of [...children, server.process.pid!]) process.kill(pid, 'SIGHUP');
  await until(() => server.log().some(({ level, msg }) => level === 30 && msg === 'SIGHUP: reloading what has changed'));
  expect((await get(`${server.url}/_PLUGIN/echo/Echo`))[0]).toBe(200);
  if (more !== ALONE) expect(childrenOf(server)).toEqual(children);
  expect(await server.stop()).toEqual({ code: 0, signal: null });
});

test.each([[[]], [SEVERAL], [ALONE]])('a terminal that is closed stops its server gracefully %j', async (more) => {
  const cwd = folder(['stop.c'], '[plugin.stop.config]\ntrace = "trace"\n');
  const port = await freePort();
  const command = [process.execPath, main, '--port', String(port), ...more].join(' ');
  const terminal = spawn(...onTerminal(`exec ${command}`), { cwd, stdio: ['pipe', 'ignore', 'ignore'] });
  endAfterTest(terminal);
  const url = `http://127.0.0.1:${port}`;
  await until(() => get(`${url}/_PLUGIN/stop/Call`).then(([status]) => status === 200, () => false));
  terminal.kill('SIGKILL');
  await once(terminal, 'exit');
  await until(() => readFileSync(path.join(cwd, 'trace'), 'utf8').includes('stop\n'));
  await until(() => get(url).then(() => false, () => true));
});
