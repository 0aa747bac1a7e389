import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { crc32, inflateSync } from 'node:zlib';
import { LANGUAGES } from '../src/cli/languages';
import { createPlugin } from '../src/cli/new';
import { curl } from './support/curl';
import { startServer } from './support/server';
import { until } from './support/until';

const examples = path.resolve(__dirname, '../examples');

interface Example {
  readonly name: string;
  /** What builds it or puts it in its place, without the line that starts the server. */
  readonly commands: string;
  /** What goes into prest.toml. */
  readonly toml: string;
  readonly curl: string;
  /** The answers that the README prints: that of the curl line first. */
  readonly answers: readonly string[];
}

function readExample(name: string): Example {
  const readme = readFileSync(path.join(examples, name, 'README.md'), 'utf8');
  const blocks = Array.from(readme.matchAll(/^```(\w+)\n(.*?)\n```$/gms), ([, kind, text]) => ({ kind, text: text! }));
  const toml = blocks.filter(({ kind }) => kind === 'toml').map(({ text }) => `${text}\n`);
  const [commands, line, ...answers] = blocks.filter(({ kind }) => kind !== 'toml').map(({ text }) => text);
  return { name, commands: commands!.replace(/^npx dlserve$/m, ''), toml: toml.join(''), curl: line!, answers };
}

// The libraries of the Rust examples are not made by dlserve, so a machine without rustc is complete without it.
const rust = spawnSync('rustc', ['--version']).status === 0;
const all = readdirSync(examples, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && (rust || !entry.name.startsWith('rust-')))
  .map(({ name }) => readExample(name));

let cwd: string;
let server: Awaited<ReturnType<typeof startServer>>;
const said = new Map<string, string>();

beforeAll(async () => {
  cwd = await mkdtemp(path.join(tmpdir(), 'dlserve-examples-'));
  await mkdir(path.join(cwd, 'lib/src'), { recursive: true });
  await symlink(examples, path.join(cwd, 'examples'));
  for (const { commands } of all) execFileSync('sh', ['-ec', commands], { cwd, stdio: 'inherit' });
  await copyFile(path.join(examples, 'c-config/c-config.c'), path.join(cwd, 'lib/src/unconfigured.c'));
  for (const language of LANGUAGES) {
    said.set(language, await createPlugin({ name: `new-${language}`, language, pluginpath: 'lib', cwd }));
  }
  await writeFile(path.join(cwd, 'prest.toml'), all.map(({ toml }) => toml).join('\n'));
  server = await startServer([], { cwd });
}, 600_000);

afterAll(async () => {
  await server.stop();
  await rm(cwd, { recursive: true });
});

test.each(all)('$name answers as its README says', async ({ curl: line, answers }) => {
  // Routes of a plugin's own are there once it is built and open.
  const printed = await until(async () => {
    const answer = await curl(line, server.url);
    return answer.printed.includes('ROUTE_NOT_FOUND') ? undefined : answer.printed;
  }, 300_000);
  expect(printed.trimEnd()).toBe(answers[0]);
}, 300_000);

test('c-config refuses to load without its configuration, as its README says', async () => {
  const { answers } = readExample('c-config');
  const { printed } = await curl('curl http://127.0.0.1:3000/_PLUGIN/unconfigured/Greeting', server.url);
  expect(printed).toBe(answers[1]!.replace('c-config.so', process.platform === 'darwin' ? 'unconfigured.dylib' : 'unconfigured.so'));
});

test('c-concurrent counts every call, also those at once', async () => {
  const line = 'curl http://127.0.0.1:3000/_PLUGIN/c-concurrent/Count';
  const count = async (): Promise<number> => (JSON.parse((await curl(line, server.url)).printed) as { count: number }).count;
  const before = await count();
  const counts = await Promise.all(Array.from({ length: 50 }, count));
  expect(counts.sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => before + 1 + i));
});

test('c-ask counts on, and its line is in the log', async () => {
  const { curl: line, answers } = readExample('c-ask');
  expect((await curl(line, server.url)).printed).toBe(answers[0]!.replace('"visits":1', '"visits":2'));
  await until(() => server.log().some(({ msg, plugin, handler }) => msg === 'visit 2' && plugin === 'c-ask' && handler === 'GETVisitsHandler'));
});

test('cpp-ask has three tickets', async () => {
  const { curl: line, answers } = readExample('cpp-ask');
  const { printed } = await until(async () => {
    const answer = await curl(line, server.url);
    return answer.printed.includes('ticket":') ? undefined : answer;
  });
  expect(printed).toBe(answers[1]);
});

test('cpp-png makes a picture that a PNG decoder accepts', async () => {
  const { body } = await curl(readExample('cpp-png').curl, server.url);
  const chunks = new Map<string, Buffer>();
  let at = 8;
  while (at < body.length) {
    const length = body.readUInt32BE(at);
    const type = body.toString('latin1', at + 4, at + 8);
    chunks.set(type, body.subarray(at + 8, at + 8 + length));
    expect(body.readUInt32BE(at + 8 + length)).toBe(crc32(body.subarray(at + 4, at + 8 + length)));
    at += length + 12;
  }
  expect(body.toString('latin1', 0, 8)).toBe('\x89PNG\r\n\x1a\n');
  expect([...chunks.keys()]).toEqual(['IHDR', 'IDAT', 'IEND']);
  expect(inflateSync(chunks.get('IDAT')!)).toHaveLength(64 * (1 + 3 * 64));
});

test.each(LANGUAGES)('what `dlserve new --lang %s` writes answers as it says', async (language) => {
  const [line, answer] = Array.from(said.get(language)!.matchAll(/^ {2}(curl .*|\{.*)$/gm), ([, text]) => text!);
  expect((await curl(line!, server.url)).printed).toBe(answer);
});
