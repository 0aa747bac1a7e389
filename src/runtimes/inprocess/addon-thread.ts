import type { Plugin, PluginSource, Runtime } from '../../contract/runtime';
import { Records, type Addon } from './addon';
import { AddonThreadPlugin } from './addon-thread-plugin';
import { openLane } from './lane';
import { Library } from './library';

/** Mode "thread" with the addon: each library has threads of its own, and answers come back in batches. */
export class AddonThreadRuntime implements Runtime {
  readonly #records = new Records();
  readonly #hub: number;
  readonly #plugins = new Map<number, AddonThreadPlugin>();
  #isFlushing = false;

  constructor(private readonly addon: Addon) {
    this.#hub = this.#records.createHub(addon, this.#onBatch);
  }

  async open(source: PluginSource): Promise<Plugin> {
    const library = Library.open(source);
    try {
      const lane = openLane(this.addon, this.#hub, source, library);
      const plugin = new AddonThreadPlugin(source, library, this.addon, lane, this.#flushSoon);
      this.#plugins.set(lane, plugin);
      void plugin.gone.then(() => this.#plugins.delete(lane));
      await plugin.init();
      return plugin;
    } catch (refusal) {
      library.unload();
      throw refusal;
    }
  }

  /** Calls are handed to the threads once a turn of the event loop, so that a turn's calls cost one waking. */
  readonly #flushSoon = (): void => {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    setImmediate(this.#flush);
  };

  readonly #flush = (): void => {
    this.#isFlushing = false;
    this.addon.flush(this.#hub);
  };

  readonly #onBatch = (count: number): void => {
    for (let index = 0; index < count; index++) {
      try {
        this.#plugins.get(this.#records.lane(index))?.ended(this.#records, index);
      } catch (error) {
        // Thrown here, it would take the rest of the batch with it.
        setImmediate(() => {
          throw error;
        });
      }
    }
  };
}
