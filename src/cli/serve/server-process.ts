import cluster, { type Worker } from 'node:cluster';
import { closeSync } from 'node:fs';
import { needDescriptors } from '../../ground/descriptors';
import { inTime } from '../../ground/waiting';
import { createStatusFile, readStatus, type Running } from '../../runtimes/registry';
import { SERVER_PORT, type FromPrimary, type ToPrimary } from './ipc';

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
  /** It serves from now on. */
  onListening(): void;
  onMessage(message: ToPrimary): void;
  /** It was not to be reached, which need not be its end. */
  onError(error: Error): void;
  /** Comes once. */
  onEnd(end: End): void;
}

/** One of several server processes, as the primary sees it. */
export class ServerProcess {
  readonly #statusFile = createStatusFile();
  readonly #born = performance.now();
  readonly #worker: Worker;
  readonly #ended: Promise<void>;

  /**
   * Starts it.
   * @throws Error where the system can't
   */
  constructor(port: number, listener: Listener) {
    const worker = (this.#worker = this.#fork(port));
    worker.on('listening', () => listener.onListening());
    worker.on('message', (message: ToPrimary) => listener.onMessage(message));
    this.#ended = new Promise((resolve) => {
      const end = (code: number | null, signal: string | null, how: string): void => {
        const running = readStatus(this.#statusFile);
        closeSync(this.#statusFile);
        listener.onEnd({ code, signal, how, running });
        resolve();
      };
      worker.once('exit', (code, signal) => end(code, signal || null, signal || `exit status ${code}`));
      // A message to one that has just died; or the system has no room for one more, and there will be no exit.
      worker.on('error', (error) => {
        listener.onError(error);
        if (this.pid === undefined) end(null, null, `it was not started: ${error.message}`);
      });
    });
  }

  #fork(port: number): Worker {
    try {
      needDescriptors();
      cluster.setupPrimary({ stdio: ['inherit', 'inherit', 'inherit', 'ipc', this.#statusFile] });
      return cluster.fork({ [SERVER_PORT]: String(port) });
    } catch (error) {
      closeSync(this.#statusFile);
      throw error;
    }
  }

  get pid(): number | undefined {
    return this.#worker.process.pid;
  }

  /** Milliseconds. */
  get age(): number {
    return performance.now() - this.#born;
  }

  tell(message: FromPrimary): void {
    if (this.#worker.isConnected()) this.#worker.send(message);
  }

  /**
   * Tells it to stop, and kills it if it does not.
   * @param limit milliseconds
   * @returns whether it stopped in time
   */
  async stop(limit: number): Promise<boolean> {
    this.#worker.process.kill('SIGTERM');
    const isInTime = await inTime(this.#ended, limit);
    if (!isInTime) this.kill();
    await this.#ended;
    return isInTime;
  }

  kill(): void {
    this.#worker.process.kill('SIGKILL');
  }
}
