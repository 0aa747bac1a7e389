import type { Logger } from '../../ground/log';
import type { BuildEvent } from '../../toolchain/toolchain';
import type { Block } from './block';

/** Milliseconds between two pictures of what is under way. */
const TICK = 100;

/** What is built now and how long already: lines that are written anew on a terminal, lines of the log elsewhere. */
export class Progress {
  readonly #since = new Map<string, { readonly at: number; readonly note: string }>();
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param block undefined where nothing can be written anew
   * @param waiting the names of all that is to be built
   */
  constructor(
    private readonly log: () => Logger,
    private readonly block: Block | undefined,
    private readonly waiting: () => Iterable<string>,
  ) {}

  build({ name, state, note }: BuildEvent): void {
    if (state !== 'building') this.#since.delete(name);
    else if (this.block !== undefined) this.#since.set(name, { at: performance.now(), note: note ?? '' });
    else this.log().info({ plugin: name }, `building ${name} ...${note === undefined ? '' : ` (${note})`}`);
    this.draw();
  }

  /** Shows what there is now, and goes on as long as anything is under way. */
  draw(): void {
    if (this.block === undefined) return;
    const names = [...new Set([...this.#since.keys(), ...this.waiting()])].sort();
    const width = Math.max(0, ...names.map((name) => name.length));
    this.block.set(names.map((name) => `  ${name.padEnd(width)}  ${this.#state(name)}`));
    if (names.length === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    } else {
      this.#timer ??= setInterval(() => this.draw(), TICK).unref();
    }
  }

  #state(name: string): string {
    const building = this.#since.get(name);
    if (building === undefined) return 'waits';
    const { at, note } = building;
    return `builds  ${((performance.now() - at) / 1000).toFixed(1)} s${note === '' ? '' : `  ${note}`}`;
  }

  end(): void {
    clearInterval(this.#timer);
    this.block?.end();
  }
}
