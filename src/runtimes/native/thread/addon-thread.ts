import { surface } from '../../../ground/surface';
import { openLimit } from '../../../plugin/runtime';
import { Records, type Addon } from '../addon';
import type { OpenImage } from '../images';
import type { NativeSource } from '../keys';
import { openLane } from '../lane';
import { AddonThreadInstance } from './addon-instance';

/** Mode "thread" with the addon: each library has threads of its own, and answers come back in batches. */
export function addonThread(addon: Addon): (source: NativeSource) => Promise<OpenImage> {
  const threads = new AddonThreads(addon);
  return (source) => threads.open(source);
}

class AddonThreads {
  readonly #records = new Records();
  readonly #hub: number;
  readonly #instances = new Map<number, AddonThreadInstance>();
  #isFlushing = false;

  constructor(private readonly addon: Addon) {
    this.#hub = this.#records.createHub(addon, this.#onBatch);
  }

  async open(source: NativeSource): Promise<OpenImage> {
    const lane = openLane(this.addon, this.#hub, source);
    const instance = new AddonThreadInstance(source, this.addon, lane, this.#flushSoon);
    this.#instances.set(lane, instance);
    void instance.gone.then(() => this.#instances.delete(lane));
    return { instance, streams: true, ...(await instance.open(openLimit(source.settings))) };
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
        this.#instances.get(this.#records.lane(index))?.ended(this.#records, index);
      } catch (error) {
        // Thrown here, it would take the rest of the batch with it.
        surface(error);
      }
    }
  };
}
