import type { Plugin, PluginSettings } from '../contract/runtime';

/** One handler of an opened plugin. */
export interface Handler {
  /** `GETHelloHandler` */
  readonly symbol: string;
  /** Its place in the runtime's list of symbols. */
  readonly index: number;
}

/** A plugin that answers: its library is open, its handlers are known. */
export interface OpenPlugin {
  /** The `{file}` of its routes. */
  readonly name: string;
  /** File name of the library, for messages. */
  readonly library: string;
  readonly settings: PluginSettings;
  /** By `{func}`, then by method. */
  readonly handlers: ReadonlyMap<string, ReadonlyMap<string, Handler>>;
  /** Symbols that are named like a handler but are data. */
  readonly data: readonly string[];
  readonly runtime: Plugin;
}
