import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Binary } from '../../src/binary/binary';
import { handlersOf } from '../../src/binary/exports';
import { readBinary, readLibrary } from '../../src/binary/read';
import { compile, compileFixture } from '../support/compile';
import { ElfFile, symbol } from '../support/elf-file';

const fixtures = path.join(__dirname, '../fixtures/libraries');

function built(source: string, ...flags: string[]): Promise<Binary> {
  return readLibrary(compile(path.join(fixtures, source), flags));
}

function lookalikes(library: Binary): Record<string, string> {
  return Object.fromEntries(handlersOf(library).lookalikes);
}

test('data', async () => {
  expect(lookalikes(await built('handlers.c'))).toMatchObject({ GETDataHandler: 'is data, not a function' });
});

test('functions that are hidden or static', async () => {
  const library = await built('hidden.c');
  expect(handlersOf(library).symbols).toEqual(['GETHelloHandler']);
  expect(lookalikes(library)).toEqual({
    GETHiddenHandler: 'is hidden: put DLSERVE_EXPORT before it',
    GETStaticHandler: 'is static: put DLSERVE_EXPORT in place of static',
  });
  expect(lookalikes(await built('hidden.c', '-s'))).toEqual({});
});

test('not what says how a handler takes its body', async () => {
  const library = await readLibrary(compileFixture('reads.c'));
  expect(handlersOf(library).symbols).not.toContain('POSTStreamHandlerBody');
  expect(lookalikes(library)).toEqual({});
});

describe('a full symbol table', () => {
  const STRINGS = Buffer.from('\0x.c\0main.GETHelloHandler\0');
  const [FILE, HANDLER] = [1, STRINGS.indexOf('GETHello')];
  const LOCAL = { binding: 0 };

  /** A library whose section headers name these symbols, none of which is exported. */
  function elf(symbols: readonly Buffer[], strings = STRINGS, size?: number): Promise<Binary> {
    const file = new ElfFile();
    const table = Buffer.concat([symbol(0), ...symbols]);
    const sections = [
      { type: 2, offset: file.add(table), size: size ?? table.length, link: 1 },
      { type: 3, offset: file.add(strings), size: strings.length },
    ];
    return readBinary(file.finish(file.addStrings(Buffer.alloc(1)), [], sections));
  }

  test.each([
    ['local, in a file', [symbol(FILE, { type: 4, ...LOCAL }), symbol(HANDLER, LOCAL)], 'static'],
    ['local, behind all files, as GNU ld writes hidden ones', [symbol(0, { type: 4, ...LOCAL }), symbol(HANDLER, LOCAL)], 'hidden'],
    ['local and hidden, as LLD and gold write them', [symbol(FILE, { type: 4, ...LOCAL }), symbol(HANDLER, { ...LOCAL, visibility: 2 })], 'hidden'],
    ['global and not exported', [symbol(HANDLER)], 'hidden'],
    ['data', [symbol(HANDLER, { type: 1 })], undefined],
    ['undefined', [symbol(HANDLER, { section: 0 })], undefined],
  ])('with a symbol that is %s', async (_, symbols, hiding) => {
    // The name is the end of another one, as linkers have it.
    expect([...(await elf(symbols)).unexported]).toEqual(hiding === undefined ? [] : [['GETHelloHandler', hiding]]);
  });

  test('that makes no sense is as good as none', async () => {
    const lost = Buffer.concat([symbol(HANDLER), symbol(1_000_000)]);
    expect([...(await elf([lost])).unexported]).toEqual([]);
    expect([...(await elf([symbol(HANDLER)], STRINGS, 1_000_000)).unexported]).toEqual([]);
  });
});

test('C++ names', async () => {
  const plain = (name: string, mend: string): string => `is there with a C++ name only (${name}): ${mend}`;
  const library = await built('mangled.cc');
  expect(handlersOf(library).symbols).toEqual(['GETFineHandler']);
  expect(lookalikes(library)).toEqual({
    GETPlainHandler: plain('_Z15GETPlainHandlerPKc', 'declare it extern "C"'),
    GETSpaceHandler: plain('_ZN3api15GETSpaceHandlerEPKc', 'declare it extern "C", outside of any class and unnamed namespace'),
    GETMemberHandler: plain('_ZN3Api16GETMemberHandlerEPKc', 'declare it extern "C", outside of any class and unnamed namespace'),
    GETUnnamedHandler: plain(
      '_ZN12_GLOBAL__N_117GETUnnamedHandlerEPKc',
      'put DLSERVE_EXPORT before it, outside of any class and unnamed namespace',
    ),
    GETStaticHandler: plain('_ZL16GETStaticHandlerPKc', 'put DLSERVE_EXPORT in place of static'),
    GETHiddenHandler: plain('_Z16GETHiddenHandlerPKc', 'put DLSERVE_EXPORT before it'),
  });
});

test('names of other languages', async () => {
  expect(lookalikes(await built('foreign_names.c'))).toEqual({
    GETLegacyHandler: 'is there with a Rust name only (_ZN5hello16GETLegacyHandler17h4c830eb9a0838967E): write #[no_mangle] pub extern "C" before it',
    GETRustHandler: 'is there with a Rust name only (_RNvNtCs2OpA4fNwd7R_5hello3api14GETRustHandler): write #[no_mangle] pub extern "C" before it',
    GETDHandler: 'is there with another name only (_D5hello11GETDHandlerFPxaZPa): export it by its plain name',
    GETZigHandler: 'is there with another name only (hello.GETZigHandler): export it by its plain name',
  });
});

test('functions of Go without //export', async () => {
  const library = await built('go_unexported.c');
  expect(handlersOf(library).symbols).toEqual(['GETHelloHandler']);
  expect(lookalikes(library)).toEqual({
    GETHiddenHandler: 'is there with a Go name only (main.GETHiddenHandler): write //export GETHiddenHandler above it',
  });
});

test('all of these in a library for macOS, with its underscore before every name', async () => {
  const library = await readBinary(gunzipSync(readFileSync(path.join(fixtures, 'aarch64-macos-names.gz'))));
  expect(handlersOf(library).symbols).toEqual(['GETHelloHandler']);
  expect(lookalikes(library)).toEqual({
    GETPlainHandler: 'is there with a C++ name only (_Z15GETPlainHandlerPKc): declare it extern "C"',
    GETHiddenHandler: 'is hidden: put DLSERVE_EXPORT before it',
    GETStaticHandler: 'is static: put DLSERVE_EXPORT in place of static',
    GETRustHandler: 'is there with a Rust name only (_ZN5hello14GETRustHandler17h4c830eb9a0838967E): write #[no_mangle] pub extern "C" before it',
    GETZigHandler: 'is there with another name only (hello.GETZigHandler): export it by its plain name',
  });
});
