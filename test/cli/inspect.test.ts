import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import os, { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { inspect } from '../../src/cli/inspect/inspect';
import type { Findings } from '../../src/cli/inspect/findings';
import { parseCache } from '../../src/cli/inspect/search-elf';
import { expandLoaderPath, isBuiltIn, machOCandidates } from '../../src/cli/inspect/search-macho';
import { thisSystem } from '../../src/binary/system';
import type { DlserveError } from '../../src/ground/errors';
import { compile } from '../support/compile';
import { DT, ElfFile } from '../support/elf-file';
import { startServer } from '../support/server';

const fixtures = path.join(__dirname, '../fixtures/libraries');
const main = path.join(__dirname, '../../dist/cli/main.js');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'dlserve-inspect-'));
});

/** Compiles a C source to a library of this name in the test's folder. */
function build(name: string, source: string, ...flags: string[]): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  const language = source.includes('class ') ? 'c++' : 'c';
  execFileSync('cc', ['-shared', '-fPIC', '-x', language, '-o', file, '-', ...flags], { input: source });
  return file;
}

async function findings(file: string): Promise<Findings> {
  return JSON.parse(await inspect(file, true)) as Findings;
}

function refusal(file: string): Promise<string> {
  return inspect(file, false).then(
    () => 'it was read',
    (error: unknown) => `${(error as DlserveError).code} ${(error as DlserveError).message}`,
  );
}

function copied(name: string): string {
  const file = path.join(folder, name);
  copyFileSync(compile(path.join(fixtures, 'handlers.c')), file);
  return file;
}

test('says what a library offers', async () => {
  const file = copied('hello.so');
  expect(await findings(file)).toMatchObject({
    file,
    fits: true,
    misfit: null,
    go: false,
    handlers: [
      { method: 'GET', func: 'Hello', symbol: 'GETHelloHandler', url: '/_PLUGIN/hello/Hello' },
      { method: 'POST', func: 'Hello', symbol: 'POSTHelloHandler', url: '/_PLUGIN/hello/Hello' },
      { method: 'GET', func: 'Protected', symbol: 'GETProtectedHandler', url: '/_PLUGIN/hello/Protected' },
      { method: 'PUT', func: 'Weak', symbol: 'PUTWeakHandler', url: '/_PLUGIN/hello/Weak' },
    ],
    abi: [
      { symbol: 'PluginABI', state: 'found' },
      { symbol: 'PluginFree', state: 'missing' },
      { symbol: 'PluginConcurrency', state: 'missing' },
      { symbol: 'PluginInit', state: 'missing' },
      { symbol: 'PluginStop', state: 'found' },
    ],
  });
  const text = await inspect(file, false);
  expect(text).toMatch(/^.*hello\.so: .* library for .*; fits this host\n/);
  expect(text).toMatch(/\n {2}POST {2}\/_PLUGIN\/hello\/Hello +POSTHelloHandler\n/);
  expect(text).toMatch(/\n {2}missing {2}PluginFree +what handlers return is never freed/);
  expect(text).toMatch(/\n {2}found {4}PluginStop +called once before/);
  expect(text).toContain('GETDataHandler is data, not a function');
  expect(text).not.toContain('Built by Go');
  expect(text).not.toMatch(/ \n/);
});

test('says of a library for another machine that it does not fit, and nothing of what is on this host', async () => {
  const file = path.join(folder, 'other.so');
  writeFileSync(file, gunzipSync(readFileSync(path.join(fixtures, 's390x-linux-gnu.gz'))));
  const read = await findings(file);
  expect(read).toMatchObject({
    machine: 's390x',
    fits: false,
    needed: [{ name: 'libc.so.6', path: null, searched: false }],
  });
  expect(read.misfit).toContain('built for s390x');
  const text = await inspect(file, false);
  expect(text).toContain('does not fit this host: it was built for s390x');
  expect(text).toContain('not searched on this host');
  expect(text).not.toContain('NOT FOUND');
});

if (process.platform === 'linux') {
  test('says of a library that needs another C library, or a newer one, that it does not fit', async () => {
    const versions = path.join(folder, 'versions.map');
    writeFileSync(versions, 'GLIBC_2.999 { *; };\n');
    const flags = ['-nostdlib', `-Wl,--version-script=${versions}`];
    const inspected = async (libc: string): Promise<Findings> => {
      const stub = build(`stub/${libc}`, 'int needed(void) { return 1; }', `-Wl,-soname,${libc}`, ...flags);
      return findings(build('hello.so', 'int needed(void); char *GETHelloHandler(void) { return needed() ? "1" : 0; }', '-nostdlib', '-x', 'none', stub));
    };
    const { libc } = await thisSystem();
    const newer = await inspected('libc.so.6');
    expect(newer).toMatchObject({ fits: false, libc: 'glibc' });
    expect(newer.misfit).toMatch(libc === 'glibc' ? /^it needs glibc 2\.999 or later, this host has \d+\.\d+: / : /^it was linked with glibc/);
    const other = await inspected(libc === 'musl' ? 'libc.so.6' : 'libc.so');
    expect(other).toMatchObject({ fits: false, needed: [{ path: null, searched: false }] });
    expect(other.misfit).toMatch(/^it was linked with /);
  });

  describe('needed libraries', () => {
    const source = 'int near(void); char *GETHelloHandler(void) { return near() ? "1" : 0; }';

    /** hello.so needs libnear.so, which needs libdeep.so; both are in the folder deps. */
    function buildChain(...flags: string[]): string {
      build('deps/libdeep.so', 'int deep(void) { return 1; }');
      build('deps/libnear.so', 'int deep(void); int near(void) { return deep(); }', `-L${folder}/deps`, '-ldeep');
      return build('hello.so', source, `-L${folder}/deps`, '-lnear', ...flags);
    }

    /** Where libnear.so and libdeep.so were found. */
    async function found(file: string): Promise<(string | null)[]> {
      const { needed } = await findings(file);
      return ['libnear.so', 'libdeep.so'].flatMap((name) =>
        needed.filter((library) => library.name === name).map((library) => library.path),
      );
    }

    test('are looked for in DT_RPATH, which those that they need share', async () => {
      const file = buildChain('-Wl,-rpath,$ORIGIN/deps', '-Wl,--disable-new-dtags');
      expect(await found(file)).toEqual([path.join(folder, 'deps/libnear.so'), path.join(folder, 'deps/libdeep.so')]);
    });

    test('are looked for in DT_RUNPATH, which those that they need do not share', async () => {
      const file = buildChain('-Wl,-rpath,${ORIGIN}/deps', '-Wl,--enable-new-dtags');
      expect(await found(file)).toEqual([path.join(folder, 'deps/libnear.so'), null]);
      expect(await inspect(file, false)).toMatch(/ libdeep\.so \(for libnear\.so\) +NOT FOUND: install it, or name/);
    });

    test('are looked for in LD_LIBRARY_PATH', async () => {
      const file = buildChain();
      expect(await found(file)).toEqual([null]);
      const before = process.env.LD_LIBRARY_PATH;
      process.env.LD_LIBRARY_PATH = `/nowhere:${folder}/deps`;
      try {
        expect(await found(file)).toEqual([path.join(folder, 'deps/libnear.so'), path.join(folder, 'deps/libdeep.so')]);
      } finally {
        if (before === undefined) delete process.env.LD_LIBRARY_PATH;
        else process.env.LD_LIBRARY_PATH = before;
      }
    });

    test('are looked for in LD_LIBRARY_PATH before DT_RUNPATH, and behind DT_RPATH', async () => {
      const before = process.env.LD_LIBRARY_PATH;
      process.env.LD_LIBRARY_PATH = `${folder}/wished`;
      try {
        const chain = buildChain('-Wl,-rpath,$ORIGIN/deps', '-Wl,--enable-new-dtags');
        build('wished/libnear.so', 'int near(void) { return 1; }');
        expect(await found(chain)).toEqual([path.join(folder, 'wished/libnear.so')]);
        expect(await found(buildChain('-Wl,-rpath,$ORIGIN/deps', '-Wl,--disable-new-dtags'))).toEqual([
          path.join(folder, 'deps/libnear.so'),
          path.join(folder, 'deps/libdeep.so'),
        ]);
      } finally {
        if (before === undefined) delete process.env.LD_LIBRARY_PATH;
        else process.env.LD_LIBRARY_PATH = before;
      }
    });

    test.each(['$ORIGIN/deps/libnear.so', '${ORIGIN}/../$LIB/libnear.so', '$ORIGIN/${PLATFORM}/x/libnear.so', '$ORIGINAL/libnear.so'])(
      'by the name %s are looked for as the loader does',
      async (name) => {
        const stub = build('stub/libnear.so', 'int near(void) { return 1; }', `-Wl,-soname,${name}`);
        const file = build('plugins/hello.so', source, '-x', 'none', stub);
        for (const place of ['deps', '../lib', '../lib64', `../lib/${os.machine()}-linux-gnu`, `${os.machine()}/x`, 'haswell/x']) {
          build(`plugins/${place}/libnear.so`, 'int near(void) { return 1; }');
        }
        // "	/tmp/x/deps/libnear.so (0x00007fb2)", or "	$ORIGINAL/libnear.so => not found"
        const loader = /^\s*(\S*libnear\.so) (=> not found|\()/m.exec(execFileSync('ldd', [file], { encoding: 'utf8' }));
        const { needed } = await findings(file);
        expect(needed.find((library) => library.name === name)).toMatchObject({
          by: null,
          searched: true,
          path: loader === null || loader[2] !== '(' ? null : path.resolve(loader[1]!),
        });
      },
    );

    test('are not searched for without end', async () => {
      const elf = new ElfFile();
      const names = Buffer.from(Array.from({ length: 5000 }, (_, i) => `lib${String(i).padStart(5, '0')}.so\0`).join(''));
      const folders = Buffer.from(`${Array.from({ length: 5000 }, (_, i) => `/${i}`).join(':')}\0`);
      const file = path.join(folder, 'greedy.so');
      const needed = Array.from({ length: 5000 }, (_, i) => [DT.NEEDED, i * 12] as const);
      writeFileSync(file, elf.finish([...elf.addStrings(Buffer.concat([names, folders])), ...needed, [DT.RUNPATH, names.length]]));
      const found = (await findings(file)).needed;
      expect(found).toHaveLength(5000);
      expect(found.at(0)).toMatchObject({ path: null, searched: true });
      expect(found.at(-1)).toMatchObject({ path: null, searched: false });
    });

    test('are passed over where they are no libraries, or ones for another machine', async () => {
      const file = buildChain('-Wl,-rpath,$ORIGIN/text:$ORIGIN/other:$ORIGIN/deps');
      for (const name of ['text', 'other']) mkdirSync(path.join(folder, name));
      writeFileSync(path.join(folder, 'text/libnear.so'), 'INPUT(libnear.so.1)');
      writeFileSync(
        path.join(folder, 'other/libnear.so'),
        gunzipSync(readFileSync(path.join(fixtures, 's390x-linux-gnu.gz'))),
      );
      expect((await found(file))[0]).toBe(path.join(folder, 'deps/libnear.so'));
    });
  });
}

test('finds what the system has', async () => {
  const { needed } = await findings(
    build('hello.so', '#include <math.h>\nchar *GETHelloHandler(char *r) { return sin(r[0]) > 0 ? r : 0; }', '-lm'),
  );
  expect(needed.length).toBeGreaterThan(0);
  expect(needed.filter((library) => library.path === null)).toEqual([]);
});

test('says why a library has no handler', async () => {
  const file = build('hello.so', 'class X {}; char *GETHelloHandler(const char *r) { return (char *) r; }');
  expect((await findings(file)).problems).toEqual([
    'GETHelloHandler is there with a C++ name only (_Z15GETHelloHandlerPKc): declare it extern "C"',
    'it exports no handler: a handler is a function named like GETHelloHandler',
  ]);
});

test('says of a function that is no handler what the answer 404 says', async () => {
  const sources = ['handlers.c', 'hidden.c', 'mangled.cc'].map((name) => path.join(fixtures, name));
  mkdirSync(path.join(folder, 'lib'));
  const files = sources.map((source) => path.join(folder, 'lib', `${path.parse(source).name}.so`));
  for (const [i, source] of sources.entries()) copyFileSync(compile(source), files[i]!);
  const server = await startServer([], { cwd: folder });
  for (const file of files) {
    const { problems } = await findings(file);
    expect(problems.length).toBeGreaterThan(0);
    for (const problem of problems) {
      const [, func] = /^[A-Z]+?([A-Z][a-z]+)Handler /.exec(problem)!;
      const plugin = path.parse(file).name;
      const answer = await fetch(`${server.url}/_PLUGIN/${plugin}/${func!}`, { method: problem.startsWith('DELETE') ? 'DELETE' : 'GET' });
      expect(answer.status).toBe(404);
      const symbol = problem.slice(0, problem.indexOf(' '));
      expect(await answer.json()).toMatchObject({ code: 'HANDLER_NOT_FOUND', error: `no handler ${symbol} in ${plugin}: ${problem}` });
    }
  }
  await server.stop();
});

test('says what keeps a library from being found or called', async () => {
  expect((await findings(copied('hello.lib'))).problems.join('\n')).toContain('its name must end in ');
  expect((await findings(copied('-hello world.so'))).problems.join('\n')).toContain(
    '"-hello world" can\'t be part of a URL',
  );
  const file = build('abi.so', 'int PluginInit = 1; char *GETHelloHandler(void) { return "1"; }');
  expect((await findings(file)).abi).toContainEqual({
    symbol: 'PluginInit',
    state: 'data',
    meaning: 'it is data and must be a function',
  });
  expect((await findings(file)).problems).toEqual(['PluginInit must be a function, and is data in it']);
});

test('says what follows from a library being built by Go', async () => {
  writeFileSync(
    path.join(folder, 'hello.go'),
    'package main\n\nimport "C"\n\n//export GETHelloHandler\nfunc GETHelloHandler(request *C.char) *C.char { return C.CString("hi") }\n\nfunc main() {}\n',
  );
  const file = path.join(folder, 'hello.so');
  execFileSync('go', ['build', '-buildmode=c-shared', '-ldflags=-s -w', '-o', file, 'hello.go'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  expect(await findings(file)).toMatchObject({ go: true, fits: true, handlers: [{ url: '/_PLUGIN/hello/Hello' }] });
  const text = await inspect(file, false);
  expect(text).toContain('\nBuilt by Go\n');
  expect(text).toContain('mode = "process" has none of these limits');
});

test('a file that is no library gets a sentence', async () => {
  writeFileSync(path.join(folder, 'text.so'), 'hello\n');
  writeFileSync(path.join(folder, 'empty.so'), '');
  expect(await refusal(path.join(folder, 'text.so'))).toMatch(/^BAD_LIBRARY .*text\.so is not a library: it is text$/);
  expect(await refusal(path.join(folder, 'empty.so'))).toMatch(/it is empty$/);
  expect(await refusal(path.join(folder, 'nothing.so'))).toMatch(/there is no such file$/);
  expect(await refusal(folder)).toMatch(/it is a folder$/);
  expect(await refusal('/dev/null')).toMatch(/it is no regular file$/);
});

test('as a command it prints JSON and exits with 0, or one line and 1', () => {
  const good = spawnSync(process.execPath, [main, 'inspect', '--json', copied('hello.so')], { encoding: 'utf8' });
  expect(good).toMatchObject({ status: 0, stderr: '' });
  expect((JSON.parse(good.stdout) as Findings).handlers).toHaveLength(4);
  const bad = spawnSync(process.execPath, [main, 'inspect', path.join(folder, 'no.so')], { encoding: 'utf8' });
  expect(bad).toMatchObject({ status: 1, stdout: '' });
  expect(bad.stderr).toBe(`dlserve: ${path.join(folder, 'no.so')} is not a library: there is no such file\n`);
});

describe("the cache of glibc's loader", () => {
  /** struct cache_file_new and its entries, in this host's byte order. */
  function cache(entries: readonly [string, string][], prefix = Buffer.alloc(0)): Buffer {
    const u32 = (...values: number[]): Buffer => Buffer.from(Uint32Array.from(values).buffer);
    const texts = Buffer.from(
      entries
        .flat()
        .map((text) => `${text}\0`)
        .join(''),
    );
    let at = 48 + 24 * entries.length;
    const rows = entries.map(([name, file]) => {
      const key = at;
      at += name.length + file.length + 2;
      return u32(3, key, key + name.length + 1, 0, 0, 0);
    });
    const header = Buffer.concat([
      Buffer.from('glibc-ld.so.cache1.1'),
      u32(entries.length, texts.length, 0, 0, 0, 0, 0),
    ]);
    return Buffer.concat([prefix, header, ...rows, texts]);
  }

  const entries: [string, string][] = [
    ['libc.so.6', '/lib/libc.so.6'],
    ['liba.so', '/one/liba.so'],
    ['liba.so', '/two/liba.so'],
  ];
  const expected = new Map([
    ['libc.so.6', ['/lib/libc.so.6']],
    ['liba.so', ['/one/liba.so', '/two/liba.so']],
  ]);

  test('is read, also behind a table of the older form', () => {
    expect(['LE', 'BE']).toContain(os.endianness());
    expect(parseCache(cache(entries))).toEqual(expected);
    expect(parseCache(cache(entries, Buffer.from('ld.so-1.7.0\0\0\0\0\0')))).toEqual(expected);
  });

  test('wherever it is cut short, gives what can be read', () => {
    const whole = cache(entries);
    for (let length = 0; length < whole.length; length++)
      expect(() => parseCache(whole.subarray(0, length))).not.toThrow();
    expect(parseCache(Buffer.from('nothing of the kind'))).toEqual(new Map());
  });
});

test('on macOS a library is looked for as dyld does', () => {
  expect(isBuiltIn('/usr/lib/libSystem.B.dylib')).toBe(true);
  expect(isBuiltIn('@rpath/liba.dylib')).toBe(false);
  expect(machOCandidates('@rpath/liba.dylib', '/p/x.dylib', ['/p/deps', '/opt/lib'])).toEqual([
    '/p/deps/liba.dylib',
    '/opt/lib/liba.dylib',
    '/usr/local/lib/liba.dylib',
  ]);
  expect(expandLoaderPath('@loader_path/deps', '/p/x.dylib')).toBe('/p/deps');
  expect(machOCandidates('@loader_path/../liba.dylib', '/p/q/x.dylib', [])[0]).toBe('/p/liba.dylib');
  expect(machOCandidates('@executable_path/liba.dylib', '/p/x.dylib', [])[0]).toBe(
    path.join(path.dirname(process.execPath), 'liba.dylib'),
  );
  expect(machOCandidates('/opt/liba.dylib', '/p/x.dylib', [])[0]).toBe('/opt/liba.dylib');
});
