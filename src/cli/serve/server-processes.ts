import { DlserveError } from '../../ground/errors';
import type { Logger } from '../../ground/log';
import type { Builds } from '../../host/builds';
import type { Running } from '../../runtimes/registry';
import type { FromPrimary } from './ipc';
import { ServerProcess, type End } from './server-process';

/** One that lived this long, in milliseconds, was well: its successor starts at once. */
const WELL = 5_000;
/** Milliseconds before the second successor in a row; doubled for each further one. */
const FIRST_DELAY = 100;
const LONGEST_DELAY = 10_000;
/** Milliseconds that each gets on top of its own limit before it is killed. */
const GRACE = 2_000;

/** Keeps a number of server processes on one port: answers what they ask, and replaces one that dies. */
export class ServerProcesses {
  readonly #all = new Set<ServerProcess>();
  /** Ends the start with a reason; undefined once the first of them listens. */
  #failStart: ((reason: string) => void) | undefined;
  #isStopping = false;
  /** How many in a row died young. */
  #diedYoung = 0;

  /** @param port the same for all; not 0 */
  constructor(
    private readonly port: number,
    private readonly builds: Builds,
    private readonly log: Logger,
  ) {}

  get size(): number {
    return this.#all.size;
  }

  /**
   * Starts the first, and the others once it listens.
   * @throws DlserveError BAD_CONFIG with the words of the first, when that can't start
   */
  async start(count: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#failStart = (reason) => reject(new DlserveError('BAD_CONFIG', { reason }));
      this.#fork(resolve);
    }).catch((error: unknown) => {
      this.#isStopping = true;
      for (const serverProcess of this.#all) serverProcess.kill();
      throw error;
    });
    this.#failStart = undefined;
    for (let i = 1; i < count; i++) this.#forkOrRetry();
  }

  /**
   * Stops all of them.
   * @param limit milliseconds that each gives what runs in it
   */
  async stop(limit: number): Promise<void> {
    this.#isStopping = true;
    const stopOne = async (serverProcess: ServerProcess): Promise<void> => {
      const isInTime = await serverProcess.stop(limit + GRACE);
      if (!isInTime) this.log.warn({ worker: serverProcess.pid }, 'a server process did not stop in time and was killed');
    };
    await Promise.all(Array.from(this.#all, stopOne));
  }

  #fork(onListening: () => void = () => undefined): void {
    const serverProcess = new ServerProcess(this.port, {
      onListening,
      onMessage: (message) => {
        if (message.type === 'wait') void this.#answerWait(serverProcess, message.name);
        else if (this.#failStart !== undefined) this.#failStart(message.message);
        else this.log.error({ worker: serverProcess.pid }, `a server process can't start: ${message.message}`);
      },
      onError: (error) => this.log.error({ worker: serverProcess.pid, err: error }, 'a server process can not be reached'),
      onEnd: (end) => this.#ended(serverProcess, end),
    });
    this.#all.add(serverProcess);
  }

  #ended(serverProcess: ServerProcess, { code, signal, how, running }: End): void {
    this.#all.delete(serverProcess);
    if (this.#isStopping) return;
    if (this.#failStart !== undefined) {
      this.#failStart(`the first server process ended: ${how}`);
      return;
    }
    this.#diedYoung = serverProcess.age < WELL ? this.#diedYoung + 1 : 0;
    const about = { worker: serverProcess.pid, code, signal, running };
    this.log.error(about, `a server process died (${how})${suspects(running)}; replacing it in ${this.#delay} ms`);
    this.#replaceSoon();
  }

  /** Milliseconds until the next one is started. */
  get #delay(): number {
    return this.#diedYoung < 2 ? 0 : Math.min(FIRST_DELAY * 2 ** (this.#diedYoung - 2), LONGEST_DELAY);
  }

  #replaceSoon(): void {
    setTimeout(() => {
      if (!this.#isStopping) this.#forkOrRetry();
    }, this.#delay);
  }

  #forkOrRetry(): void {
    try {
      this.#fork();
    } catch (error) {
      this.#diedYoung++;
      this.log.error({ err: error }, `a server process can't be started; trying again in ${this.#delay} ms`);
      this.#replaceSoon();
    }
  }

  async #answerWait(serverProcess: ServerProcess, name: string): Promise<void> {
    let answer: FromPrimary = { type: 'built', name };
    try {
      await this.builds.wait(name);
    } catch (error) {
      if (error instanceof DlserveError) answer = { type: 'built', name, failed: error.details };
    }
    serverProcess.tell(answer);
  }
}

/** What ran in a process when it died, for its log line. */
function suspects(running: readonly Running[]): string {
  if (running.length === 0) return '';
  return `, in ${running.map(({ plugin, symbol }) => `${symbol} of ${plugin}`).join(', ')}: in mode "process" a crash costs one request`;
}
