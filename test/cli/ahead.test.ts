import { readFileSync } from 'node:fs';
import { childrenOf, startServer, type TestServer } from '../support/server';
import { until } from '../support/until';

let server: TestServer;
afterEach(() => server.stop());

const onLinux = process.platform === 'linux' ? test : test.skip;

/** What native code a process has in memory. */
const maps = (pid: number): string => readFileSync(`/proc/${pid}/maps`, 'latin1');

onLinux.each(['thread', 'inline'])('a server loads what the first plugin needs before anybody asks for one: mode "%s"', async (mode) => {
  server = await startServer(['--mode', mode]);
  const [pid] = childrenOf(server);
  await until(() => ['addon.node', 'koffi'].every((name) => maps(pid!).includes(name)));
});

onLinux('a server whose plugins have processes of their own does so, and loads nothing of the other modes', async () => {
  server = await startServer(['--mode', 'process']);
  await until(() => maps(server.process.pid!).includes('addon.node'));
  expect(maps(server.process.pid!)).not.toContain('koffi');
});
