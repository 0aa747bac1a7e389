import type { PluginSource } from '../../plugin/runtime';
import type { Addon } from './addon';
import type { LoadedLibrary } from './loaded-library';

/** Tells the addon of a library: where its handlers are, and how it takes memory back. */
export function openLane(addon: Addon, hub: number, source: PluginSource, library: LoadedLibrary): number {
  const at = (symbol: string): bigint => library.address(symbol) ?? 0n;
  const handlers = source.handlers.symbols.map(at);
  const symbols = [...source.handlers.symbols, 'PluginInit', 'PluginStop'];
  return addon.openLane(hub, source.name, symbols, handlers, at('PluginFree'), at('PluginInit'), at('PluginStop'));
}
