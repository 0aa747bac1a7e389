import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Instance, Runtime } from '../../../src/plugin/runtime';
import { inlineRuntime, threadRuntime } from '../../../src/runtimes/native/runtime';
import { runChild } from '../../support/child';
import { compileFixture } from '../../support/compile';
import { callHandler, copyLibrary, pluginSource, textOf } from '../../support/runtime';

const opened: Instance[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((plugin) => plugin.close(5000)));
});

/** own_symbols.c beside the library that it needs, both with names that nobody else has. */
function ownSymbols(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'dlserve-symbols-'));
  const needed = `libneeded${process.hrtime.bigint()}.so`;
  copyFileSync(compileFixture('own_symbols_needed.c', [`-Wl,-soname,${needed}`]), path.join(folder, needed));
  const library = path.join(folder, 'own_symbols.so');
  const source = path.resolve(__dirname, '../../fixtures/native/own_symbols.c');
  execFileSync('cc', ['-shared', '-fPIC', '-o', library, source, `-L${folder}`, `-l:${needed}`, '-Wl,-rpath,$ORIGIN']);
  return library;
}

describe.each<[string, () => Runtime]>([
  ['thread', threadRuntime],
  ['inline', inlineRuntime],
])('in mode "%s" a library', (_, createRuntime) => {
  const ask = async (library: string, symbol: string, ownsymbols = true): Promise<string | null> => {
    const plugin = await createRuntime().open(pluginSource(library, { symbols: [symbol], settings: { ownsymbols } }));
    opened.push(plugin);
    return textOf(await callHandler(plugin, 0));
  };

  it('sees its own symbols, and those of what it needs, before those of Node.js', async () => {
    expect(await ask(ownSymbols(), 'GETOwnHandler')).toBe('42 42 needed');
  });

  it('sees those of Node.js where that is wanted', async () => {
    // The CRC-32 of "abc", and the version of a zlib.
    expect(await ask(ownSymbols(), 'GETOwnHandler', false)).toMatch(/^891568578 891568578 \d/);
  });

  it('sees its own also when what it needs came with another library before', async () => {
    const first = ownSymbols();
    const second = path.join(path.dirname(first), 'second.so');
    copyFileSync(first, second);
    expect(await ask(first, 'GETOwnHandler')).toBe('42 42 needed');
    expect(await ask(second, 'GETOwnHandler')).toBe('42 42 needed');
  });

  it('shares std::cout and environ with the program, and catches its exceptions', async () => {
    expect(await ask(copyLibrary(compileFixture('cpp_standard.cpp')), 'GETStandardHandler')).toBe('caught printed environ');
  });
});

test('an allocator in LD_PRELOAD stays that of the libraries', async () => {
  const program = `
    for (const runtime of [threadRuntime(), inlineRuntime()]) {
      const plugin = await open(runtime, args[runtime.mode], ['GETKilobyteHandler']);
      for (let i = 0; i < 100; i++) await call(plugin);
      await plugin.close(5000);
    }
    console.log('well');`;
  const [thread, inline] = [copyLibrary(compileFixture('gives.c')), copyLibrary(compileFixture('gives.c'))];
  const ended = await runChild(program, { thread, inline }, undefined, { LD_PRELOAD: compileFixture('preloaded_malloc.c') });
  expect(ended).toMatchObject({ code: 0, signal: null, stdout: 'well\n' });
});
