import type { PluginSource } from '../../../plugin/runtime';
import type { KoffiFunction } from './koffi';
import type { LoadedLibrary } from '../loaded-library';
import { PluginMemory } from './plugin-memory';

/** Calls a function with its arguments, here or on another thread. */
export type Run = (f: KoffiFunction, ...args: unknown[]) => unknown;

/**
 * Calls PluginInit, where the library has one.
 * @throws DlserveError INIT_FAILED
 */
export async function callInit(library: LoadedLibrary, source: PluginSource, run: Run): Promise<void> {
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
