import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, cpSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { compileFixture } from '../support/compile';
import { scratch, startServer, type TestServer } from '../support/server';
import { until } from '../support/until';

const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

const main = path.resolve(__dirname, '../../dist/cli/main.js');

/** A server with one library, in mode "process". */
async function serve(fixture: string): Promise<TestServer> {
  const cwd = scratch();
  mkdirSync(path.join(cwd, 'lib'));
  cpSync(compileFixture(fixture), path.join(cwd, 'lib', `${path.parse(fixture).name}.so`));
  writeFileSync(path.join(cwd, 'prest.toml'), '');
  const server = await startServer(['--mode', 'process'], { cwd });
  children.push(server.process);
  return server;
}

test('a log that nobody reads holds no request up, however much a plugin prints', async () => {
  const server = await serve('prints_much.c');
  const { stderr } = server.process;
  stderr!.pause();
  expect(await (await fetch(`${server.url}/_PLUGIN/prints_much/Print`)).text()).toBe('printed');
  expect((await fetch(`${server.url}/_health`)).status).toBe(200);
  stderr!.resume();
  const dropped = await until(() => server.log().find(({ msg }) => String(msg).includes('were dropped')));
  expect(dropped).toMatchObject({ level: 50, msg: expect.stringMatching(/^\d+ lines of the log were dropped: its reader was too slow$/) as string });
  expect(await server.stop()).toEqual({ code: 0, signal: null });
});

test('what a client sends is cut in the log', async () => {
  const server = await serve('null_reply.c');
  await fetch(`${server.url}/_PLUGIN/null_reply/NullReply?${'q'.repeat(4000)}`, { headers: { 'x-request-id': 'r'.repeat(4000) } });
  const { url, request } = (await until(() => server.log().find(({ code }) => code !== undefined))) as { url: string; request: string };
  expect([url.length, request.length]).toEqual([256, 256]);
  await server.stop();
});

test('a full disk under standard output ends no server', async () => {
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address() as AddressInfo;
  await new Promise((resolve) => free.close(resolve));
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [main, '--port', String(port)], { cwd: scratch(), stdio: ['ignore', full, 'pipe'] });
  closeSync(full);
  children.push(child);
  const exit = once(child, 'exit');
  const answers = (): Promise<boolean> => fetch(`http://127.0.0.1:${port}/_health`).then(({ ok }) => ok, () => false);
  await Promise.race([until(answers), exit]);
  child.kill();
  expect(await exit).toEqual([0, null]);
});
