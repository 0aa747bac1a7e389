import { surface } from '../../../ground/surface';
import { Vigil } from '../../../ground/vigil';
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
  /** Jobs of this turn of the event loop. */
  #given = 0;
  #isWatching = false;
  /** undefined where nothing can come back while it is waited for. */
  readonly #vigil: Vigil | undefined;

  constructor(private readonly addon: Addon) {
    this.#vigil = addon.mayWait() ? new Vigil() : undefined;
    this.#hub = this.#records.createHub(addon, this.#onBatch);
  }

  async open(source: NativeSource): Promise<OpenImage> {
    const lane = openLane(this.addon, this.#hub, source);
    const instance = new AddonThreadInstance(source, this.addon, lane, this.#flushSoon);
    this.#instances.set(lane, instance);
    void instance.gone.then(() => this.#instances.delete(lane));
    return { instance, streams: true, ...(await instance.open(openLimit(source.settings))) };
  }

  /**
   * Calls are handed to the threads once a turn of the event loop, so that a turn's calls cost one waking. One that is likely to stay
   * alone is handed over at once, and waited for.
   */
  readonly #flushSoon = (): void => {
    this.#given++;
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    this.#isWatching = this.#vigil?.begins() === true && this.addon.watch(this.#hub);
    setImmediate(this.#flush);
  };

  readonly #flush = (): void => {
    const isAlone = this.#given === 1;
    this.#isFlushing = false;
    this.#given = 0;
    if (!isAlone || !this.#isWatching) {
      this.addon.flush(this.#hub);
      if (this.#isWatching) this.addon.await(this.#hub, 0);
      this.#vigil?.turned(isAlone);
    } else {
      this.#vigil!.ended(this.addon.await(this.#hub, this.#vigil!.limit));
    }
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
