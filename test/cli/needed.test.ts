import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { inspect } from '../../src/cli/inspect/inspect';
import { parseCache } from '../../src/cli/inspect/search-elf';
import { expandLoaderPath, isBuiltIn, machOCandidates } from '../../src/cli/inspect/search-macho';
import { DT, ElfFile } from '../support/elf-file';
import { scratch } from '../support/server';
import { buildLibrary, findings } from './findings';

const fixtures = path.join(__dirname, '../fixtures/libraries');
let folder: string;

beforeEach(() => {
  folder = scratch();
});

function build(name: string, source: string, ...flags: string[]): string {
  return buildLibrary(folder, name, source, ...flags);
}

// What only the loaders of ELF do.
if (process.platform === 'linux') {
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
