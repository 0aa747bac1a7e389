import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { LANGUAGES, type Language } from '../../src/cli/languages';
import { createPlugin, runNew } from '../../src/cli/new';
import { handlersOf } from '../../src/binary/exports';
import { readLibrary } from '../../src/binary/read';
import { isFileName, parseSymbol } from '../../src/plugin/name';
import { compile } from '../support/compile';

let cwd: string;

beforeEach(async () => {
  cwd = await mkdtemp(path.join(tmpdir(), 'dlserve-new-'));
});

afterEach(() => rm(cwd, { recursive: true }));

const create = (name: string, language: Language = 'c'): Promise<string> => createPlugin({ name, language, pluginpath: './lib', cwd });
const written = (name: string): Promise<string> => readFile(path.join(cwd, 'lib/src', name), 'utf8');

test('writes the source and says what to type next', async () => {
  await expect(create('hi')).resolves.toBe(
    `wrote lib/src/hi.c

Start the server, which compiles it:
  npx dlserve

In another terminal:
  curl 'http://127.0.0.1:3000/_PLUGIN/hi/Hi?name=Ada'

It answers:
  {"hello":"Ada"}`,
  );
  await expect(readdir(path.join(cwd, 'lib/src'))).resolves.toEqual(['hi.c']);
});

test('says how the server is started and where it answers, if told so', async () => {
  const said = await createPlugin({
    name: 'hi', language: 'go', pluginpath: path.join(cwd, 'p'), cwd, start: 'npx dlserve --pluginpath p', origin: 'http://0.0.0.0:80',
  });
  expect(said).toContain('wrote p/src/hi.go\n');
  expect(said).toContain('\n  npx dlserve --pluginpath p\n');
  expect(said).toContain("\n  curl 'http://0.0.0.0:80/_PLUGIN/hi/Hi?name=Ada'\n");
});

describe('on the command line', () => {
  const said = (flags: Record<string, string>): Promise<string> => {
    jest.spyOn(process, 'cwd').mockReturnValue(cwd);
    return runNew('hi', { lang: 'c', ...flags }).finally(() => jest.restoreAllMocks());
  };

  test.each([
    ['p/q-1.x', 'p/q-1.x'],
    ['my plugins', "'my plugins'"],
    ["it's $HOME", "'it'\\''s $HOME'"],
    ['~', "'~'"],
    ['ä', "'ä'"],
  ])('the pluginpath %s is printed as a shell takes it', async (pluginpath, word) => {
    expect(await said({ pluginpath })).toContain(`\n  npx dlserve --pluginpath ${word}\n`);
  });

  test('so is the configuration file', async () => {
    await writeFile(path.join(cwd, 'my prest.toml'), '[http]\nhost = "::1"\nport = 80\n');
    const text = await said({ config: 'my prest.toml' });
    expect(text).toContain("\n  npx dlserve --config 'my prest.toml'\n");
    expect(text).toContain("\nIn another terminal:\n  curl 'http://[::1]:80/_PLUGIN/hi/Hi?name=Ada'\n");
  });

  test('a port that the server is to choose is not named', async () => {
    await writeFile(path.join(cwd, 'prest.toml'), '[http]\nport = 0\n');
    expect(await said({})).toContain(`
In another terminal, with the address that the server prints in place of ADDRESS:
  curl 'ADDRESS/_PLUGIN/hi/Hi?name=Ada'
`);
  });
});

test.each([['c', 'my-plugin.v2.c'], ['cpp', 'my-plugin.v2.cpp'], ['go', 'my-plugin.v2.go']] as const)(
  'puts the names into the template for %s, and leaves none of its own',
  async (language, file) => {
    await create('my-plugin.v2', language);
    const source = await written(file);
    expect(source).toContain('GETMyPluginV2Handler(');
    expect(source).toContain("'http://127.0.0.1:3000/_PLUGIN/my-plugin.v2/MyPluginV2?name=Ada'");
    expect(source).not.toMatch(/GETHello|\/Hello|(c|cpp)-hello|go-prestd/);
  },
);

test.each([['c', 'hi.c'], ['cpp', 'hi.cpp']] as const)('what it writes for %s compiles and exports the handler', async (language, file) => {
  await create('hi', language);
  const library = compile(path.join(cwd, 'lib/src', file), ['-Wall', '-Wextra', '-Werror']);
  expect(handlersOf(await readLibrary(library)).symbols).toEqual(['GETHiHandler']);
});

test('every legal name gives handlers that dlserve finds', async () => {
  const names = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$/).filter((name) => !/(\.(cc?|cpp|cxx|go|so|dylib)|_test)$/.test(name));
  let run = 0;
  await fc.assert(
    fc.asyncProperty(names, fc.constantFrom(...LANGUAGES), async (name, language) => {
      const folder = path.join(cwd, String(run++));
      await createPlugin({ name, language, pluginpath: folder, cwd });
      const source = await readFile(path.join(folder, 'src', `${name}.${language}`), 'utf8');
      const symbols = source.match(/\w+(?=\((\)|const char))/g)!.filter((word) => /^GET.*Handler$/.test(word));
      expect(symbols).not.toHaveLength(0);
      for (const symbol of symbols) expect(parseSymbol(symbol)).toMatchObject({ method: 'GET' });
      expect(isFileName(name)).toBe(true);
    }),
    { numRuns: 50 },
  );
});

test.each([
  ['', /illegal file ""/],
  ['../up', /illegal file "..\/up"/],
  ['a b', /illegal file "a b"/],
  ['.hidden', /illegal file ".hidden"/],
  ['-x', /illegal file "-x"/],
  ['hi.c', /illegal name "hi.c": leave out the ending, it is added: "hi"/],
  ['hi.so', /illegal name "hi.so"/],
  ['hi_test', /illegal name "hi_test": Go takes a file called \*_test.go for a test/],
])('refuses the name %p', async (name, message) => {
  await expect(create(name, 'go')).rejects.toMatchObject({ code: 'BAD_NAME', message: expect.stringMatching(message) as unknown });
  await expect(readdir(cwd)).resolves.toEqual([]);
});

test.each(['lib/src/hi.c', 'lib/src/hi.cc', 'lib/src/hi.cpp', 'lib/src/hi.cxx', 'lib/src/hi.go', 'lib/hi.so'])('never takes a name that %s has', async (file) => {
  await mkdir(path.join(cwd, 'lib/src'), { recursive: true });
  await writeFile(path.join(cwd, file), 'precious');
  await expect(create('hi')).rejects.toMatchObject({
    code: 'NAME_TAKEN',
    message: `hi exists already: ${file}; choose another name, or delete it first`,
  });
  await expect(readFile(path.join(cwd, file), 'utf8')).resolves.toBe('precious');
});

test('never takes the name of a folder of sources', async () => {
  await mkdir(path.join(cwd, 'lib/src/hi'), { recursive: true });
  await expect(create('hi')).rejects.toMatchObject({ code: 'NAME_TAKEN' });
});

test('does not write through a link that leads nowhere', async () => {
  await mkdir(path.join(cwd, 'lib/src'), { recursive: true });
  await symlink(path.join(cwd, 'elsewhere'), path.join(cwd, 'lib/src/hi.c'));
  await expect(create('hi')).rejects.toMatchObject({ code: 'WRITE_FAILED', message: expect.stringContaining('lib/src/hi.c') as unknown });
  await expect(readdir(cwd)).resolves.toEqual(['lib']);
});

test('says so where it can not write', async () => {
  await writeFile(path.join(cwd, 'lib'), 'a file where a folder should be');
  await expect(create('hi')).rejects.toMatchObject({ code: 'WRITE_FAILED', cause: { code: 'ENOTDIR' } });
});
