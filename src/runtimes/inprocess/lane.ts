import type { PluginSource } from '../../contract/runtime';
import type { Addon } from './addon';
import type { Library } from './library';

/** Tells the addon of a library: where its handlers are, and how it takes memory back. */
export function openLane(addon: Addon, hub: number, source: PluginSource, library: Library): number {
  const at = (symbol: string): bigint => library.address(symbol) ?? 0n;
  const handlers = source.symbols.map(at);
  const symbols = [...source.symbols, 'PluginInit', 'PluginStop'];
  return addon.openLane(hub, source.name, symbols, handlers, at('PluginFree'), at('PluginInit'), at('PluginStop'));
}
