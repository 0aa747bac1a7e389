import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { scratch, startServer, type TestServer } from '../support/server';
import { until } from '../support/until';
import { endAfterTest, get } from './support';

const says = (text: string): string => `char *GETSayHandler(void) { return "${text}"; }\n`;
const BROKEN = 'char *GETSayHandler(void) { return "<b>" forgotten; }\n';

async function dev(cwd: string, args: readonly string[] = []): Promise<TestServer> {
  const server = await startServer(args, { cwd, command: 'dev' });
  endAfterTest(server.process);
  return server;
}

function save(cwd: string, name: string, text: string): void {
  const file = path.join(cwd, 'lib/src', name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}

test.each(['thread', 'inline', 'process'])('what was saved answers, or its compiler does until it compiles (mode %s)', async (mode) => {
  const cwd = scratch();
  save(cwd, 'hi.c', says('one'));
  const server = await dev(cwd, ['--mode', mode]);
  const say = `${server.url}/_PLUGIN/hi/Say`;
  expect(await get(say)).toEqual([200, 'one']);
  save(cwd, 'hi.c', says('two'));
  await until(async () => (await get(say))[1] === 'two');
  await until(() => /^hi: ready in \d+ ms$/m.test(server.stdout()));

  save(cwd, 'hi.c', BROKEN);
  await until(async () => (await get(say))[0] === 500);
  expect(await get(say)).toEqual([500, {
    code: 'BUILD_FAILED',
    error: expect.stringContaining('hi did not compile') as string,
    output: expect.stringMatching(/^lib\/src\/hi\.c:1:\d+: error: [^]*forgotten/m) as string,
  }]);
  // A handler that there is not yet may be in what does not compile.
  expect(await get(say.replace('Say', 'New'))).toEqual([500, expect.objectContaining({ code: 'BUILD_FAILED' })]);
  const asPage = await fetch(say, { headers: { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } });
  const page = await asPage.text();
  expect([asPage.status, asPage.headers.get('content-type')]).toEqual([500, 'text/html; charset=utf-8']);
  expect(page).toContain('hi does not compile');
  expect(page).toContain('&quot;&lt;b&gt;&quot; forgotten');
  expect(page).not.toContain('<b>');
  expect(server.log().map(({ msg }) => msg).join('\n')).toMatch(/hi did not compile:\n[^]*forgotten/);

  save(cwd, 'hi.c', says('three'));
  expect(await until(async () => {
    const answer = await get(say);
    return answer[0] === 200 ? answer : undefined;
  })).toEqual([200, 'three']);
  expect(await server.stop()).toEqual({ code: 0, signal: null });
});

test('sources come and go with their endpoints', async () => {
  const cwd = scratch();
  const server = await dev(cwd);
  await until(() => server.stdout().includes('No plugins in'));
  save(cwd, 'new.c', says('new'));
  await until(() => server.stdout().includes(`  curl ${server.url}/_PLUGIN/new/Say`));
  expect(await get(`${server.url}/_PLUGIN/new/Say`)).toEqual([200, 'new']);
  rmSync(path.join(cwd, 'lib/src/new.c'));
  await until(() => /^new: gone$/m.test(server.stdout()));
  expect((await get(`${server.url}/_PLUGIN/new/Say`))[0]).toBe(404);
  expect(existsSync(path.join(cwd, 'lib/new.so'))).toBe(false);
});

test('a server that is no workshop keeps the words to its log', async () => {
  const cwd = scratch();
  save(cwd, 'hi.c', BROKEN);
  const server = await startServer([], { cwd });
  endAfterTest(server.process);
  const answer = await fetch(`${server.url}/_PLUGIN/hi/Say`, { headers: { Accept: 'text/html' } });
  expect([answer.status, answer.headers.get('content-type')]).toEqual([500, 'application/json; charset=utf-8']);
  expect(await answer.json()).toEqual({ code: 'BUILD_FAILED', error: "hi did not compile: its compiler's words are in the log" });
});
