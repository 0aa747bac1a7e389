import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { scratch } from '../support/server';
import { until } from '../support/until';
import { endAfterTest, folder, freePort, main, serve } from './support';

test('a log that nobody reads holds no request up, however much a plugin prints', async () => {
  const server = await serve(folder(['prints_much.c']), ['--mode', 'process']);
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
  const server = await serve(folder(['null_reply.c']));
  await fetch(`${server.url}/_PLUGIN/null_reply/NullReply?${'q'.repeat(4000)}`, { headers: { 'x-request-id': 'r'.repeat(4000) } });
  const { url, request } = (await until(() => server.log().find(({ code }) => code !== undefined))) as { url: string; request: string };
  expect([url.length, request.length]).toEqual([256, 256]);
  await server.stop();
});

test('a full disk under standard output ends no server', async () => {
  const port = await freePort();
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [main, '--port', String(port)], { cwd: scratch(), stdio: ['ignore', full, 'pipe'] });
  closeSync(full);
  endAfterTest(child);
  const exit = once(child, 'exit');
  const answers = (): Promise<boolean> => fetch(`http://127.0.0.1:${port}/_health`).then(({ ok }) => ok, () => false);
  await Promise.race([until(answers), exit]);
  child.kill();
  expect(await exit).toEqual([0, null]);
});
