import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { compileFixture } from '../support/compile';
import { scratch, startServer } from '../support/server';
import { onTerminal } from '../support/terminal';
import { until } from '../support/until';
import { endAfterTest, main } from './support';

const SAYS = 'char *GETSayHandler(void) { return "x"; }\n';

/** A working directory with a plugin that is built at once, and one whose compiler waits for a gate. */
function folder(): { cwd: string; gate: string; env: Record<string, string> } {
  const cwd = scratch();
  const gate = path.join(cwd, 'gate');
  mkdirSync(path.join(cwd, 'lib/src'), { recursive: true });
  for (const name of ['a-slow', 'quick']) writeFileSync(path.join(cwd, `lib/src/${name}.c`), SAYS);
  const script = `#!/bin/sh\ncase "$*" in *a-slow.c*) while [ ! -e ${gate} ]; do sleep 0.01; done;; esac\nexec cc "$@"\n`;
  writeFileSync(path.join(cwd, 'cc'), script);
  chmodSync(path.join(cwd, 'cc'), 0o755);
  return { cwd, gate, env: { CC: path.join(cwd, 'cc') } };
}

test('a URL is printed as soon as its plugin is ready, in plain lines where there is no terminal', async () => {
  const { cwd, gate, env } = folder();
  const server = await startServer([], { cwd, env });
  endAfterTest(server.process);
  await until(() => server.stdout().includes('/_PLUGIN/quick/Say'));
  expect(server.stdout()).not.toContain('a-slow');
  writeFileSync(gate, '');
  await until(() => server.stdout().includes('/_PLUGIN/a-slow/Say'));
  expect(server.stdout()).toMatch(/^dlserve [\d.]+ listens on (http:\S+)\n\n {2}curl \1\/_PLUGIN\/quick\/Say\n {2}curl \1\/_PLUGIN\/a-slow\/Say\n$/);
});

test.each(['thread', 'process'])('a build that a stop cuts short, of a plugin with a library, ends the server with 0 in mode %s', async (mode) => {
  const { cwd, env } = folder();
  cpSync(compileFixture('echo.c'), path.join(cwd, 'lib/a-slow.so'));
  const server = await startServer([], { cwd, env: { ...env, PREST_PLUGINS_MODE: mode } });
  endAfterTest(server.process);
  // Said after all was asked that is asked of a plugin under construction.
  await until(() => server.stdout().includes('/_PLUGIN/quick/Say'));
  server.process.kill('SIGTERM');
  expect(await once(server.process, 'exit')).toEqual([0, null]);
  expect(server.log().at(-1)).toMatchObject({ msg: 'stopped' });
});

/** A server whose standard output and standard error are one terminal. */
function serveOnTerminal(cwd: string, env: Record<string, string>): { said: () => string; stop: () => void } {
  const command = `stty cols 100 rows 30; exec ${process.execPath} ${main} serve --port 0`;
  const child = spawn(...onTerminal(command), { cwd, env: { ...process.env, TERM: 'xterm', ...env }, stdio: ['pipe', 'pipe', 'inherit'] });
  endAfterTest(child);
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return { said: () => said, stop: () => child.stdin.write('\x03') };
}

/** What stands on a terminal in the end: lines, where the cursor went up and what was below was cleared. */
function screen(said: string): string[] {
  const lines: string[] = [];
  // eslint-disable-next-line no-control-regex
  for (const part of said.split(/(\x1b\[\d+A\r\x1b\[J|\r?\n)/)) {
    // eslint-disable-next-line no-control-regex
    const up = /^\x1b\[(\d+)A/.exec(part);
    if (up !== null) lines.splice(lines.length - Number(up[1]));
    else if (!/^\r?\n$/.test(part) && part !== '') lines.push(part);
    else if (part !== '' && lines.at(-1) === undefined) lines.push('');
  }
  return lines;
}

test('on a terminal what is under way is one line that is written anew, below all others', async () => {
  const { cwd, gate, env } = folder();
  const { said, stop } = serveOnTerminal(cwd, { ...env, NO_COLOR: '' });
  // Seconds go by in place.
  await until(() => /a-slow +builds +1\.\d s/.test(said()));
  const meanwhile = screen(said());
  expect(meanwhile.filter((line) => line.includes('builds'))).toHaveLength(1);
  expect(meanwhile.at(-1)).toMatch(/^ {2}a-slow +builds/);
  expect(meanwhile.some((line) => line.includes('/_PLUGIN/quick/Say'))).toBe(true);
  writeFileSync(gate, '');
  await until(() => said().includes('/_PLUGIN/a-slow/Say'));
  await until(() => !screen(said()).some((line) => line.includes('builds')));
  stop();
});

test.each([['NO_COLOR', '1'], ['TERM', 'dumb']])('with %s=%s nothing is written anew', async (name, value) => {
  const { cwd, gate, env } = folder();
  writeFileSync(gate, '');
  const { said, stop } = serveOnTerminal(cwd, { ...env, [name]: value });
  await until(() => said().includes('/_PLUGIN/a-slow/Say'));
  expect(said()).not.toContain('\x1b[J');
  stop();
});
