import { LIFE, type Addon } from './addon';
import type { NativeSource } from './keys';
import type { AbiSymbol, LoadedLibrary } from './loaded-library';

/** Makes a lane of the addon for a library that is still to be opened. */
export function openLane(addon: Addon, hub: number, { name, handlers: { symbols } }: NativeSource): number {
  return addon.openLane(hub, name, [...symbols, ...LIFE], symbols.length);
}

/** Tells a lane where the functions of its library are, and how that takes memory back. */
export function bindLane(addon: Addon, lane: number, library: LoadedLibrary): void {
  const at = (symbol: AbiSymbol): bigint => library.address(symbol) ?? 0n;
  addon.bindLane(lane, library.handlers, at('PluginFree'), at('PluginInit'), at('PluginStop'));
}
