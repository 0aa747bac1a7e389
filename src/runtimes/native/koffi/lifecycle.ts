import type { Declared } from '../../../plugin/route';
import type { SaidBodies } from '../bodies';
import type { NativeSource } from '../keys';
import type { LoadedLibrary } from '../loaded-library';
import { useKoffi, type KoffiFunction } from './koffi';
import { PluginMemory } from './plugin-memory';

/** Calls a function with its arguments, here or on another thread. */
export type Run = (f: KoffiFunction, ...args: unknown[]) => unknown;

/** What PluginABI or PluginConcurrency says; 1 where the library has none. */
export async function callNumber(library: LoadedLibrary, symbol: 'PluginABI' | 'PluginConcurrency', run: Run): Promise<number> {
  const number = library.bind(symbol, 'int', []);
  return number === null ? 1 : ((await run(number)) as number);
}

/**
 * Calls PluginInit, where the library has one.
 * @throws DlserveError INIT_FAILED
 */
export async function callInit(library: LoadedLibrary, source: NativeSource, run: Run): Promise<void> {
  const init = library.bind('PluginInit', 'int', ['void *', 'void *']);
  if (init === null) return;
  const error = new BigUint64Array(1);
  const config = Buffer.from(`${JSON.stringify(source.settings.config)}\0`);
  const returned = (await run(init, config, error)) as number;
  const words = wordsIn(library, error, 'PluginInit');
  if (returned !== 0) throw library.initFailed(returned, words);
}

/**
 * Starts a library by its PluginFactory, where it has one.
 * @returns what it calls itself; '' where it has no PluginFactory
 * @throws DlserveError INIT_FAILED
 */
export async function callStart(library: LoadedLibrary, source: NativeSource, run: Run): Promise<string> {
  const { factory } = library;
  if (factory === undefined) return '';
  const title = await callText(library, factory.name, run);
  if (factory.start === 0n) return title;
  const config = Buffer.from(`${JSON.stringify(source.settings.config)}\0`);
  const error = new BigUint64Array(1);
  const returned = (await run(at(factory.start, 'int', ['void *', 'void *']), config, error)) as number;
  const words = wordsIn(library, error, 'PluginFactory.start');
  if (returned === 0) return title;
  await callPlainStop(library, run);
  throw library.startFailed(returned, words);
}

/** What a library that was started says of itself; undefined where it says nothing. */
export async function callDeclared(library: LoadedLibrary, title: string, run: Run): Promise<Declared | undefined> {
  if (!library.declares) return undefined;
  const plain = await callText(library, library.address('PluginRoutes') ?? 0n, run);
  return { title, routes: [plain, await callText(library, library.factory?.routes ?? 0n, run)] };
}

/** What PluginBody and each <handler>Body say. */
export async function callBodies(library: LoadedLibrary, run: Run): Promise<SaidBodies> {
  const said = new Map<string, number>();
  for (const [name, address] of library.bodyFunctions) said.set(name, (await run(at(address, 'int', []))) as number);
  return said;
}

async function callText(library: LoadedLibrary, address: bigint, run: Run): Promise<string> {
  if (address === 0n) return '';
  const text = (await run(at(address, 'void *', []))) as bigint | null;
  return text === null ? '' : new PluginMemory(library).copyString(text, 'PluginRoutes').toString();
}

function at(address: bigint, result: string, parameters: string[]): KoffiFunction {
  const { koffi } = useKoffi();
  return koffi.decode(address, koffi.proto(result, parameters)) as KoffiFunction;
}

function wordsIn(library: LoadedLibrary, error: BigUint64Array, symbol: string): string {
  const given = error[0]!;
  if (given === 0n) return '';
  const memory = new PluginMemory(library);
  const words = memory.copyString(given, symbol).toString();
  memory.release(given);
  return words;
}

/** Calls the stop of its PluginFactory and PluginStop, where the library has them. What the first reports is logged. */
export async function callStop(library: LoadedLibrary, source: NativeSource, run: Run): Promise<void> {
  const stop = library.factory?.stop ?? 0n;
  if (stop !== 0n) {
    const error = new BigUint64Array(1);
    const returned = (await run(at(stop, 'int', ['void *']), error)) as number;
    const words = wordsIn(library, error, 'PluginFactory.stop');
    if (returned !== 0) logBadEnd(source, returned, words);
  }
  await callPlainStop(library, run);
}

/** Calls PluginStop, where the library has one; where it has none, it is left in memory, as it may have threads. */
async function callPlainStop(library: LoadedLibrary, run: Run): Promise<void> {
  const stop = library.bind('PluginStop', 'void', []);
  if (stop !== null) await run(stop);
  else if (!library.canStop) library.keep();
}

/** Says that a plugin was not stopped as it should be, in its own words. */
export function logBadEnd({ name, file, log }: NativeSource, returned: number, words: string): void {
  const said = words === '' ? `it returned ${returned} without a word` : words;
  log.error({ plugin: name }, `${file.base} was not stopped as it should be: PluginFactory.stop: ${said}`);
}
