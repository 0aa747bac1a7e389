import { HANG_SIGNAL } from './protocol';
import type { Shared } from './shared';

/** Milliseconds between two looks whether it has answered, and how many there are. */
const LOOK = 2;
const LOOKS = 10;

/** A process that can be asked. */
export interface Asked {
  /** @returns whether it was there to get it */
  signal(number: number): boolean;
}

/**
 * Asks a runner in which a call hangs where that is, before it is killed. Its library may have blocked the signal, handle it itself, or
 * die of it: nobody relies on an answer, and none is waited for for long.
 */
export class Whereabouts {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly shared: Shared,
    private readonly process: Asked,
  ) {}

  /**
   * @param id of the call; 0: of none
   * @param then called once, when it has answered or has had its time; not where {@link end} comes first
   */
  ask(id: number, then: () => void): void {
    if (id > 0 && process.platform === 'linux' && this.shared.ask(id) && this.process.signal(HANG_SIGNAL)) this.look(LOOKS, then);
    else then();
  }

  private look(looks: number, then: () => void): void {
    if (looks === 0 || this.shared.hasSaid) then();
    else this.timer = setTimeout(() => this.look(looks - 1, then), LOOK);
  }

  /** It has ended. */
  end(): void {
    clearTimeout(this.timer);
  }
}
