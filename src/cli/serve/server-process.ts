import type { ChildProcess, SendHandle } from 'node:child_process';
import { closeSync } from 'node:fs';
import { inTime } from '../../ground/waiting';
import type { PluginSettings } from '../../plugin/runtime';
import { fillStatusFile, readStatus, readTurns, type Running } from '../../runtimes/registry';
import { LoopWatch, type Hang } from './hangs';
import type { FromPrimary, ToPrimary } from './ipc';
import type { Place } from './place';

/** How a server process ended. */
export interface End {
  /** Neither is there if it could not be started. */
  readonly code: number | null;
  readonly signal: string | null;
  /** The same in words. */
  readonly how: string;
  /** The handlers that ran in it. */
  readonly running: readonly Running[];
}

/** Who hears of a server process. */
export interface Listener {
  onMessage(message: ToPrimary): void;
  /** It was not to be reached, which need not be its end. */
  onError(error: Error): void;
  /** Comes once. */
  onEnd(end: End): void;
}

/** A server process, as the primary sees it. */
export class ServerProcess {
  readonly #statusFile: number;
  readonly #born = performance.now();
  readonly #loop = new LoopWatch();
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  /**
   * Starts it.
   * @throws Error where the system can't
   */
  constructor(place: Place, listener: Listener) {
    const { child, statusFile } = place.fork();
    this.#child = child;
    this.#statusFile = statusFile;
    this.#fill();
    child.on('message', (message: ToPrimary) => listener.onMessage(message));
    this.#ended = new Promise((resolve) => {
      const end = (code: number | null, signal: string | null, how: string): void => {
        const running = readStatus(this.#statusFile);
        closeSync(this.#statusFile);
        listener.onEnd({ code, signal, how, running });
        resolve();
      };
      child.once('exit', (code, signal) => end(code, signal, signal ?? `exit status ${code}`));
      // A message to one that has just died; or the system has no room for one more, and there will be no exit.
      child.on('error', (error) => {
        listener.onError(error);
        if (this.pid === undefined) end(null, null, `it was not started: ${error.message}`);
      });
    });
  }

  /** It attaches it when it is told to start. */
  #fill(): void {
    try {
      fillStatusFile(this.#statusFile);
    } catch (error) {
      this.#child.on('error', () => undefined).kill('SIGKILL');
      closeSync(this.#statusFile);
      throw error;
    }
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Milliseconds. */
  get age(): number {
    return performance.now() - this.#born;
  }

  /** The call that holds up its event loop, of which there is none once it has ended. */
  hang(settings: (plugin: string) => PluginSettings): Hang | undefined {
    return this.#loop.look(readTurns(this.#statusFile), settings, this.pid);
  }

  /** @param handle goes with it */
  tell(message: FromPrimary, handle?: SendHandle): void {
    if (this.#child.connected) this.#child.send(message, handle);
  }

  /**
   * Tells it to stop, and kills it if it does not.
   * @param limit milliseconds
   * @returns whether it stopped in time
   */
  async stop(limit: number): Promise<boolean> {
    this.#child.kill('SIGTERM');
    const isInTime = await inTime(this.#ended, limit);
    if (!isInTime) this.kill();
    await this.#ended;
    return isInTime;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
