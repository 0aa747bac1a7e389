import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { head } from '../../support/runtime';
import { until } from '../../support/until';
import { closeAll, openLibrary, type Opened } from './harness';

const SOURCE = path.resolve(__dirname, '../../fixtures/native/go_panic.go');
const SYMBOLS = ['GETEchoHandler', 'GETFaultHandler'];
const INNOCENT = `${head()}null}`;

/** Compiles the Go fixture, once per content. */
function compileGo(): string {
  const hash = createHash('sha256').update(readFileSync(SOURCE)).digest('hex').slice(0, 16);
  const library = path.join(tmpdir(), 'dlserve-test-libraries', hash, 'go_panic.so');
  if (existsSync(library)) return library;
  mkdirSync(path.dirname(library), { recursive: true });
  const temporary = path.join(path.dirname(library), `${process.pid}.so`);
  execFileSync('go', ['build', '-buildmode=c-shared', '-o', temporary, SOURCE], { stdio: ['ignore', 'ignore', 'inherit'] });
  renameSync(temporary, library);
  return library;
}

let library: string;
beforeAll(() => (library = compileGo()), 180_000);
afterEach(closeAll);

const openGo = (memory = 0): Promise<Opened> => openLibrary(library, SYMBOLS, { settings: { memory } });

it('a Go panic in a goroutine costs one request, and its words reach the log', async () => {
  const { ask, lines, deaths } = await openGo();
  expect(await Promise.all([ask('GETEchoHandler'), ask('GETFaultHandler'), ask('GETEchoHandler')])).toEqual([
    INNOCENT, 'PLUGIN_CRASHED', INNOCENT,
  ]);
  await until(() => deaths().length > 0);
  expect(deaths()[0]!.msg).toMatch(/crashed: (ended by SIGABRT|exited with status 2)/);
  expect(lines.map((line) => line.msg)).toContain('panic: nobody catches this');
});

it('several Go libraries work at once, each with its own runtime', async () => {
  const plugins = await Promise.all([openGo(), openGo(), openGo(), openGo()]);
  expect(await Promise.all(plugins.map(({ ask }) => ask('GETEchoHandler')))).toEqual(plugins.map(() => INNOCENT));
});

it('a memory limit that would be too small for what Go only reserves is enough for a Go library', async () => {
  const { ask } = await openGo(128 * 1024 * 1024);
  expect(await ask('GETEchoHandler')).toBe(INNOCENT);
});
