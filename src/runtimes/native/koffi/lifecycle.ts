import type { NativeSource } from '../keys';
import type { LoadedLibrary } from '../loaded-library';
import type { KoffiFunction } from './koffi';
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
  const memory = new PluginMemory(library);
  const given = error[0]!;
  const words = given === 0n ? '' : memory.copyString(given, 'PluginInit').toString();
  if (given !== 0n) memory.release(given);
  if (returned !== 0) throw library.initFailed(returned, words);
}

/** Calls PluginStop, where the library has one. */
export async function callStop(library: LoadedLibrary, run: Run): Promise<void> {
  const stop = library.bind('PluginStop', 'void', []);
  if (stop !== null) await run(stop);
}
