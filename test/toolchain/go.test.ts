import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { addToProxy } from './go-proxy';
import { build, call, contents, copyGo, library, pluginpath, removeFolders, write } from './support';

// One pluginpath for all that compiles: the linker's work is what takes the time.
const good = { folder: '', before: {}, run: undefined as Awaited<ReturnType<typeof build>> | undefined };

beforeAll(async () => {
  good.folder = pluginpath();
  copyGo(good.folder, 'plain.go', 'mixed', 'module', 'vendored', 'trouble');
  good.before = contents(path.join(good.folder, 'src'));
  good.run = await build(good.folder);
}, 180_000);
afterAll(removeFolders);

// Of dlserve.h.
const [BODY_TEXT, BODY_NONE] = [0, 2];

const goodLibrary = (name: string): string => library(good.folder, name);

test('all of it compiles, and not a byte of it is touched', () => {
  expect(good.run?.states).toEqual({ plain: 'built', mixed: 'built', module: 'built', vendored: 'built', trouble: 'built' });
  expect(contents(path.join(good.folder, 'src'))).toEqual(good.before);
});

test('nothing is built a second time', async () => {
  const { states } = await build(good.folder);
  expect(new Set(Object.values(states))).toEqual(new Set(['fresh']));
});

test('a single file with a main() and imports', () => {
  expect(call(goodLibrary('plain'), 'GETPlainHandler').answers.GETPlainHandler).toEqual({ status: -1, body: '{"shout":"PLAIN"}' });
});

test('both styles in one package: globals elsewhere, init(), named results, C of its own and its own PluginFree', () => {
  const { answers } = call(goodLibrary('mixed'), 'GETExportedHandler', 'GETReleasedHandler', 'GETVarsHandler', 'POSTNamedHandler');
  expect(answers.GETExportedHandler).toEqual({ status: -1, body: '{"twice":42}' });
  expect(answers.GETReleasedHandler?.body).toBe('true');
  expect(JSON.parse(answers.GETVarsHandler!.body)).toEqual({
    vars: { file: 'hello', func: 'Hello' },
    query: { abc: ['123'] },
    ready: 'by init',
  });
  expect(answers.POSTNamedHandler).toEqual({ status: 201, body: 'named' });
});

test('handlers that have no way to see a body say so, each for itself', () => {
  const symbols = ['GETVarsHandlerBody', 'POSTNamedHandlerBody', 'GETExportedHandlerBody', 'GETSystemHandlerBody'];
  const { answers } = call(goodLibrary('mixed'), ...symbols);
  expect(Object.values(answers).map(({ status }) => status)).toEqual([BODY_NONE, BODY_NONE, undefined, BODY_TEXT]);
});

test("names that the author has taken, and the author's own words for string, are no obstacle", () => {
  const { answers } = call(goodLibrary('mixed'), 'GETAliasHandler', 'DELETETakenHandler');
  expect(answers.GETAliasHandler?.body).toBe('mine');
  expect(answers.DELETETakenHandler?.body).toBe('mine too');
});

test('of a handler in several files, the one for this system is served', () => {
  const { answers } = call(goodLibrary('mixed'), 'GETSystemHandler', 'GETNeverHandler', 'GETTestHandler');
  expect(answers.GETSystemHandler?.body).toBe(process.platform);
  expect(answers.GETNeverHandler?.status).toBeUndefined();
  expect(answers.GETTestHandler?.status).toBeUndefined();
});

test('what only looks like a handler is not one, and its author learns why', () => {
  const lookalikes = ['GETMethodHandler', 'GETGenericHandler', 'GETParameterHandler', 'GETIntHandler', 'GETThreeHandler', 'GETVariableHandler'];
  const { answers } = call(goodLibrary('mixed'), ...lookalikes);
  expect(Object.values(answers).map(({ status }) => status)).toEqual(lookalikes.map(() => undefined));
  expect(good.run?.lines.filter(({ level, plugin }) => level === 40 && plugin === 'mixed').map(({ msg }) => msg)).toEqual([
    expect.stringMatching(/^mixed: .*\/mixed\/lookalikes\.go:\d+: GETGenericHandler is not served: it has type parameters$/),
    expect.stringMatching(/^mixed: .*\/mixed\/lookalikes\.go:\d+: GETParameterHandler is not served: it has parameters; /),
    expect.stringMatching(/^mixed: .*\/mixed\/lookalikes\.go:\d+: GETIntHandler is not served: it must return string or \(string, int\)$/),
    expect.stringMatching(/^mixed: .*\/mixed\/lookalikes\.go:\d+: GETThreeHandler is not served: it must return string or \(string, int\)$/),
  ]);
});

test('modules come from a replaced folder and from vendor, without a network; files are embedded', () => {
  expect(call(goodLibrary('module'), 'GETModuleHandler').answers.GETModuleHandler?.body).toBe('replaced and embedded');
  expect(call(goodLibrary('vendored'), 'GETVendoredHandler').answers.GETVendoredHandler?.body).toBe('vendored');
});

test('a panic, and the end of a goroutine, cost one call; the log gets the reason and the stack', () => {
  const broken = ['Boom', 'Error', 'Nil', 'PanicNil', 'Goexit'].map((name) => `GET${name}Handler`);
  const { answers, stderr } = call(goodLibrary('trouble'), ...broken, 'GETFineHandler');
  for (const symbol of broken) {
    const { status, body } = answers[symbol]!;
    expect(status).toBe(500);
    const what = symbol === 'GETGoexitHandler' ? 'ended its goroutine' : 'panicked';
    expect(JSON.parse(body)).toEqual({ error: `${symbol} ${what}, see the log`, code: 'HANDLER_PANICKED' });
  }
  expect(answers.GETFineHandler).toEqual({ status: -1, body: 'fine' });
  expect(stderr).toContain('GETBoomHandler panicked: boom\n');
  expect(stderr).toContain('GETErrorHandler panicked: an error\n');
  expect(stderr).toMatch(/GETNilHandler panicked: .*nil pointer/);
  expect(stderr).toMatch(/trouble\/main\.go:\d+/);
});

test('replies and statuses arrive as they were meant', () => {
  const symbols = ['Empty', 'Nul', 'Minus', 'Huge', 'Odd'].map((name) => `GET${name}Handler`);
  const { answers } = call(goodLibrary('trouble'), ...symbols);
  expect(answers.GETEmptyHandler).toEqual({ status: -1, body: '' });
  expect(answers.GETNulHandler).toEqual({ status: -1, body: 'a\0b' });
  // -1 and what 32 bits cannot hold would look legal, so they become 0, which is not.
  expect(answers.GETMinusHandler).toEqual({ status: 0, body: 'minus' });
  expect(answers.GETHugeHandler).toEqual({ status: 0, body: 'huge' });
  expect(answers.GETOddHandler).toEqual({ status: 999, body: 'odd' });
});

test('what cannot be built is refused in words that name the place', async () => {
  const folder = pluginpath({
    'src/types.go': 'package main\n\nfunc GETXHandler() string { return 1 }\n',
    'src/syntax.go': 'package main\n\nfunc GETXHandler( string { return "" }\n',
    'src/absent.go': 'package main\n\nimport "absent/thing"\n\nvar _ = thing.X\n',
    'src/other/other.go': 'package other\n',
    'src/gostring.go': 'package main\n\nimport "C"\n\n//export GETXHandler\nfunc GETXHandler() string { return "" }\n',
    'src/hides.go': 'package main\n\nfunc len(string) int { return 0 }\n\nfunc GETXHandler() string { return "" }\n',
    'src/cgo/x.go': 'package main\n\n// int f(void) { return }\nimport "C"\n\nfunc GETXHandler() string { return "" }\n',
  });
  const { ended, states } = await build(folder);
  expect(new Set(Object.values(states))).toEqual(new Set(['failed']));
  const words = (name: string): string | undefined => ended.get(name)?.output;
  expect(words('types')).toMatch(/types\.go:3:36: cannot use 1/);
  expect(words('syntax')).toMatch(/syntax\.go:3:\d+: syntax error/);
  expect(words('absent')).toMatch(/absent\.go:3:8: .*absent\/thing/);
  expect(words('other')).toContain('other.go: a plugin is package main, and this is package other');
  expect(words('gostring')).toMatch(/gostring\.go:6: GETXHandler returns a Go string, which C cannot take/);
  expect(words('hides')).toContain('it declares len');
  expect(words('cgo')).toMatch(/x\.go:3:.*error/);
});

test('globals of prestd that cannot be set are left alone, and others are set by what they are made of', async () => {
  const folder = pluginpath({
    'src/wrong.go':
      'package main\n\nvar HTTPVars string\n\nconst URLQuery = 1\n\nfunc GETXHandler() string { return HTTPVars }\n',
    'src/values.go':
      'package main\n\nimport "net/url"\n\nvar URLQuery url.Values\n\nfunc GETXHandler() string { return URLQuery.Get("abc") }\n',
    'src/idle.go': 'package main\n\nfunc Handler() string { return "" }\n',
    'src/foreign/x_plan9.go': 'package main\n\nfunc GETXHandler() string { return "" }\n',
  });
  const { states, lines } = await build(folder);
  expect(states).toEqual({ wrong: 'built', values: 'built', idle: 'built', foreign: 'built' });
  const warnings = lines.filter(({ level }) => level === 40).map(({ msg }) => msg);
  expect(warnings.sort()).toEqual([
    'foreign: go leaves out every Go file of it on this platform: see their names and build constraints',
    expect.stringMatching(/^idle: it has no handler/),
    'wrong: HTTPVars is not set: it must be of type map[string]string, and is string',
    'wrong: URLQuery is not set: it must be a variable of type map[string][]string',
  ]);
  expect(call(library(folder, 'values'), 'GETXHandler').answers.GETXHandler?.body).toBe('123');
});

test('the module above the sources governs them; what it lends, and its own files, make them stale', async () => {
  const folder = pluginpath({
    'go.mod': 'module example.test/site\n\ngo 1.18\n',
    'names/names.go': 'package names\n\nconst Name = "first"\n',
    'src/uses.go': 'package main\n\nimport "example.test/site/names"\n\nfunc GETXHandler() string { return names.Name }\n',
  });
  const body = (): string | undefined => call(library(folder, 'uses'), 'GETXHandler').answers.GETXHandler?.body;
  expect((await build(folder)).states).toEqual({ uses: 'built' });
  expect(body()).toBe('first');
  expect((await build(folder)).states).toEqual({ uses: 'fresh' });
  write(folder, 'names/names.go', 'package names\n\nconst Name = "second"\n');
  expect((await build(folder)).states).toEqual({ uses: 'built' });
  expect(body()).toBe('second');
  write(folder, 'go.mod', 'module example.test/site\n\ngo 1.19\n');
  expect((await build(folder)).states).toEqual({ uses: 'built' });
  expect(readFileSync(path.join(folder, 'go.mod'), 'utf8')).toBe('module example.test/site\n\ngo 1.19\n');
});

test('a file by itself is a plugin whatever Go makes of its name', async () => {
  const source = (word: string): string => `package main\n\nfunc GETXHandler() string { return "${word}" }\n`;
  const folder = pluginpath({
    'src/_plain.go': `\ufeff${source('plain')}\nfunc GETBoomHandler() string { panic("boom") }\n`,
    'src/_.go': source('nothing else'),
    'src/_handlers_plan9.go': source('plan9'),
    'src/_cgo.go': 'package main\n\n// #include "_cgo.h"\nimport "C"\nimport _ "embed"\n\n//go:embed _cgo.h\nvar text string\n\n' +
      'func GETXHandler() (string, int) { return text, C.NUMBER }\n',
    'src/_cgo.h': '#define NUMBER 201\n',
    'src/hello_plan9.go': source('hello'),
    'src/_folder/main.go': source('folder'),
    'src/_folder/_off.go': source('off'),
    'src/_types.go': 'package main\n\nfunc GETXHandler() string { return 1 }\n',
    'src/_absent.go': 'package main\n\nimport "absent/thing"\n\nvar _ = thing.X\n',
    'src/_other.go': 'package other\n',
  });
  const before = contents(path.join(folder, 'src'));
  const good = { _: 'built', _plain: 'built', _handlers_plan9: 'built', _cgo: 'built', hello_plan9: 'built', _folder: 'built' };
  const { states, ended, lines } = await build(folder);
  expect(states).toEqual({ ...good, _types: 'failed', _absent: 'failed', _other: 'failed' });
  expect(contents(path.join(folder, 'src'))).toEqual(before);
  expect(lines.filter(({ level }) => level === 40)).toEqual([]);
  const answer = (name: string) => call(library(folder, name), 'GETXHandler').answers.GETXHandler;
  const bodies = Object.keys(good).map((name) => answer(name)?.body);
  expect(bodies).toEqual(['nothing else', 'plain', 'plan9', '#define NUMBER 201\n', 'hello', 'folder']);
  expect(answer('_cgo')?.status).toBe(201);

  // Whoever speaks of the file calls it by its own name.
  expect(ended.get('_types')?.output).toMatch(/(^|[ /])_types\.go:3:36: cannot use 1/m);
  expect(ended.get('_absent')?.output).toMatch(/^.*\/_absent\.go:3:8: .*absent\/thing/m);
  expect(ended.get('_other')?.output).toMatch(/^.*\/_other\.go: a plugin is package main/m);
  expect(call(library(folder, '_plain'), 'GETBoomHandler').stderr).toContain(`${path.join(folder, 'src/_plain.go')}:5`);

  expect((await build(folder, {}, Object.keys(good))).states).toEqual(Object.fromEntries(Object.keys(good).map((name) => [name, 'fresh'])));
  write(folder, 'src/_plain.go', source('changed'));
  write(folder, 'src/_cgo.h', '#define NUMBER 202\n');
  expect((await build(folder, {}, ['_plain', '_cgo', '_'])).states).toEqual({ _plain: 'built', _cgo: 'built', _: 'fresh' });
  expect([answer('_plain')?.body, answer('_cgo')?.status]).toEqual(['changed', 202]);
});

test('a file that is added to a package elsewhere makes stale what imports it', async () => {
  const part = (name: string, word: string): string => `package ${name}\n\nfunc init() { Names += " ${word}" }\n`;
  const folder = pluginpath({
    'elsewhere/go.mod': 'module example.test/x\n\ngo 1.18\n',
    'elsewhere/x.go': 'package x\n\nimport "example.test/x/deep"\n\nvar Names = deep.Names\n',
    'elsewhere/deep/deep.go': 'package deep\n\nimport "embed"\n\n//go:embed texts\nvar texts embed.FS\n\nvar Names string\n\n' +
      'func Count() int {\n\tall, _ := texts.ReadDir("texts/more")\n\treturn len(all)\n}\n',
    'elsewhere/deep/texts/more/a.txt': '',
    'lib/src/uses/go.mod':
      'module example.test/uses\n\ngo 1.18\n\nrequire example.test/x v0.0.0\n\nreplace example.test/x => ../../../elsewhere\n',
    'lib/src/uses/main.go': 'package main\n\nimport (\n\t"example.test/x"\n\t"example.test/x/deep"\n)\n\n' +
      'func GETXHandler() (string, int) { return x.Names, 200 + deep.Count() }\n',
  });
  const lib = path.join(folder, 'lib');
  const stateAfter = async (): Promise<string | undefined> => (await build(lib)).states.uses;
  const answer = () => call(library(lib, 'uses'), 'GETXHandler').answers.GETXHandler;
  expect([await stateAfter(), await stateAfter()]).toEqual(['built', 'fresh']);
  for (const [file, text, expected] of [
    ['elsewhere/more.go', part('x', 'one'), { status: 201, body: ' one' }],
    ['elsewhere/deep/more.go', part('deep', 'two'), { status: 201, body: ' two one' }],
    ['elsewhere/deep/texts/more/b.txt', '', { status: 202, body: ' two one' }],
  ] as const) {
    write(folder, file, text);
    expect([file, await stateAfter(), await stateAfter()]).toEqual([file, 'built', 'fresh']);
    expect(answer()).toEqual(expected);
  }
  // What is built from the package is no part of it, and neither is what is hidden.
  write(folder, 'elsewhere/.hidden', '');
  write(folder, 'elsewhere/x.so', '');
  expect(await stateAfter()).toBe('fresh');
  rmSync(path.join(folder, 'elsewhere/more.go'));
  expect([await stateAfter(), answer()?.body]).toEqual(['built', ' two']);
});

test('flags of the environment and of the configuration reach go and the C compiler that it runs', async () => {
  const folder = pluginpath({
    'src/flags.go': 'package main\n\n// const char *word(void) { return WORD; }\nimport "C"\n\nfunc GETXHandler() string { return C.GoString(C.word()) }\n',
    'src/tagged/a.go': '//go:build one\n\npackage main\n\nfunc GETXHandler() string { return "one" }\n',
    'src/tagged/b.go': '//go:build !one\n\npackage main\n\nfunc GETXHandler() string { return "none" }\n',
  });
  const flags = (name: string) => ({ cflags: name === 'flags' ? ['-DWORD="a word"'] : [], ldflags: [] });
  const env = { ...process.env, GOFLAGS: `${process.env.GOFLAGS ?? ''} -tags=one`.trim() };
  expect((await build(folder, { flags, env })).states).toEqual({ flags: 'built', tagged: 'built' });
  expect(call(library(folder, 'flags'), 'GETXHandler').answers.GETXHandler?.body).toBe('a word');
  expect(call(library(folder, 'tagged'), 'GETXHandler').answers.GETXHandler?.body).toBe('one');
  expect((await build(folder, { flags })).states).toEqual({ flags: 'built', tagged: 'built' });
  expect(call(library(folder, 'tagged'), 'GETXHandler').answers.GETXHandler?.body).toBe('none');
});

test('a header that C inside Go includes makes it stale, and go compiles it once more', async () => {
  const source = (include: string): string =>
    `package main\n\n// #include "${include}"\nimport "C"\n\nfunc GETXHandler() (string, int) { return "", C.NUMBER }\n`;
  const folder = pluginpath({
    'src/one.go': source('one.h'),
    'src/one.h': '#define NUMBER 201\n',
    'src/many/main.go': source('deep/many.h'),
    'src/many/deep/many.h': '#define NUMBER 202\n',
  });
  const statuses = () => ['one', 'many'].map((name) => call(library(folder, name), 'GETXHandler').answers.GETXHandler?.status);
  await build(folder);
  expect(statuses()).toEqual([201, 202]);
  write(folder, 'src/one.h', '#define NUMBER 203\n');
  write(folder, 'src/many/deep/many.h', '#define NUMBER 204\n');
  expect((await build(folder)).states).toEqual({ one: 'built', many: 'built' });
  expect(statuses()).toEqual([203, 204]);
});

test('without any go.mod, modules come from the proxy, and stay at the version of the first build', async () => {
  const source = (comment: string): string =>
    `// ${comment}\npackage main\n\nimport "example.test/lone"\n\nfunc GETXHandler() string { return lone.Version }\n`;
  const folder = pluginpath({ 'src/lone.go': source('first') });
  const proxy = path.join(folder, 'proxy');
  addToProxy(proxy, 'example.test/lone', 'v1.0.0', { 'lone.go': 'package lone\n\nconst Version = "v1.0.0"\n' });
  const env = {
    ...process.env,
    GOPROXY: `file://${proxy}`,
    GOSUMDB: 'off',
    GOFLAGS: '-modcacherw',
    GOMODCACHE: path.join(folder, 'modcache'),
  };
  const before = contents(path.join(folder, 'src'));
  expect((await build(folder, { env })).states).toEqual({ lone: 'built' });
  expect(contents(path.join(folder, 'src'))).toEqual(before);
  expect((await build(folder, { env })).states).toEqual({ lone: 'fresh' });

  addToProxy(proxy, 'example.test/lone', 'v1.1.0', { 'lone.go': 'package lone\n\nconst Version = "v1.1.0"\n' });
  write(folder, 'src/lone.go', source('second'));
  expect((await build(folder, { env })).states).toEqual({ lone: 'built' });
  expect(call(library(folder, 'lone'), 'GETXHandler').answers.GETXHandler?.body).toBe('v1.0.0');
});

test('the program that reads Go sources is sound itself', () => {
  const cwd = path.resolve(__dirname, '../../native/go/wrap');
  expect(spawnSync('go', ['vet', './...'], { cwd, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  expect(spawnSync('gofmt', ['-l', '.'], { cwd, encoding: 'utf8' })).toMatchObject({ status: 0, stdout: '' });
});
