import { DlserveError } from '../../ground/errors';
import type { Logger } from '../../ground/log';
import type { Config } from '../../config/load';
import type { State } from '../../host/services/state/state';
import type { FlagValues } from '../flags';
import type { Demotions } from './demotions';
import { LOOK_EVERY, type Hang } from './hangs';
import { isCrash, suspectsOf } from './ends';
import type { AskState, Built, Demotion, FromPrimary, ToPrimary } from './ipc';
import type { Place } from './place';
import { ServerProcess, type End } from './server-process';

/** One that lived this long, in milliseconds, was well: its successor starts at once. */
const WELL = 5_000;
/** Milliseconds before the second successor in a row; doubled for each further one. */
const FIRST_DELAY = 100;
const LONGEST_DELAY = 10_000;
/** Milliseconds that each gets on top of its own limit before it is killed. */
const GRACE = 2_000;

export interface Parts {
  readonly place: Place;
  readonly config: Config;
  readonly flags: FlagValues;
  readonly demotions: Demotions;
  /** Waits for a plugin's source; rejects with BUILD_FAILED. */
  readonly wait: (name: string) => Promise<void> | undefined;
  /** What plugins keep; it is closed when the last process has ended. */
  readonly state: State;
  readonly log: Logger;
}

/** Keeps a number of server processes: answers what they ask, replaces one that dies, and ends one that is held up. */
export class ServerProcesses {
  readonly #parts: Parts;
  readonly #all = new Set<ServerProcess>();
  /** Those that were ended for a hang. */
  readonly #hung = new Map<ServerProcess, Hang>();
  /** Who waits for the first of them; undefined once it listens. */
  #first: { readonly listens: () => void; readonly fails: (reason: string) => void } | undefined;
  #isStopping = false;
  /** How many in a row died young, for a cause that is still there. */
  #diedYoung = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#all.size;
  }

  /**
   * Starts the first, before this returns, and the others once it listens.
   * @throws DlserveError BAD_CONFIG with the words of the first, when that can't start
   */
  async start(count: number): Promise<void> {
    const { modes } = this.#parts.config;
    await new Promise<void>((resolve, reject) => {
      this.#first = { listens: resolve, fails: (reason) => reject(new DlserveError('BAD_CONFIG', { reason })) };
      this.#fork();
      if (modes.has('inline')) setInterval(() => this.#lookForHangs(), LOOK_EVERY).unref();
    }).catch((error: unknown) => {
      this.#isStopping = true;
      this.kill();
      throw error;
    });
    this.#first = undefined;
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
      if (!isInTime) this.#parts.log.warn({ worker: serverProcess.pid }, 'a server process did not stop in time and was killed');
    };
    await Promise.all(Array.from(this.#all, stopOne));
    await this.#parts.state.close();
  }

  /** Ends all of them at once. */
  kill(): void {
    for (const serverProcess of this.#all) serverProcess.kill();
  }

  /** Tells all of them. */
  tell(message: FromPrimary): void {
    for (const serverProcess of this.#all) serverProcess.tell(message);
  }

  /** @param known resolves when it is known who is demoted */
  #fork(known?: Promise<unknown>): void {
    const serverProcess = new ServerProcess(this.#parts.place, {
      onMessage: (message) => this.#heard(serverProcess, message),
      onError: (error) => this.#parts.log.error({ worker: serverProcess.pid, err: error }, 'a server process can not be reached'),
      onEnd: (end) => void this.#ended(serverProcess, end),
    });
    this.#all.add(serverProcess);
    void this.#instruct(serverProcess, known);
  }

  async #instruct(serverProcess: ServerProcess, known: Promise<unknown> | undefined): Promise<void> {
    await known;
    const { place, config, flags, demotions } = this.#parts;
    const { port, socket } = place;
    const isOnly = config.http.workers === 1;
    serverProcess.tell({ type: 'start', flags, text: config.text, port, hasSocket: socket !== undefined, isOnly, demoted: await demotions.held() }, socket);
  }

  #heard(serverProcess: ServerProcess, message: ToPrimary): void {
    if (message.type === 'wait') void this.#answerWait(serverProcess, message.name);
    else if (message.type === 'ask-state') void this.#answerState(serverProcess, message);
    else if (message.type === 'demoted') this.#spread(message);
    else if (message.type === 'listening') this.#first?.listens();
    else if (this.#first !== undefined) this.#first.fails(message.message);
    else this.#parts.log.error({ worker: serverProcess.pid }, `a server process can't start: ${message.message}`);
  }

  async #answerWait(serverProcess: ServerProcess, name: string): Promise<void> {
    let answer: Built = { type: 'built', name };
    try {
      await this.#parts.wait(name);
    } catch (error) {
      if (error instanceof DlserveError) answer = { type: 'built', name, failed: error.details };
    }
    serverProcess.tell(answer);
  }

  async #answerState(serverProcess: ServerProcess, { number, plugin, operation }: AskState): Promise<void> {
    const answer = await this.#parts.state.apply(plugin, operation);
    serverProcess.tell({ type: 'state-answer', number, answer });
  }

  /** What one of them has demoted is not to cost the others a thread each. */
  #spread({ name, reason, fingerprint }: Demotion): void {
    if (this.#parts.demotions.add({ name, reason, fingerprint })) this.tell({ type: 'demote', name, reason, fingerprint });
  }

  #lookForHangs(): void {
    const { config, log } = this.#parts;
    for (const serverProcess of this.#all) {
      const hang = this.#isStopping || this.#hung.has(serverProcess) ? undefined : serverProcess.hang((name) => config.settings(name));
      if (hang === undefined) continue;
      const { plugin, symbol } = hang.turn;
      log.error({ worker: serverProcess.pid, plugin }, `${symbol} of ${plugin} holds up the server for more than ${hang.limit} ms: the server process is killed`);
      this.#hung.set(serverProcess, hang);
      serverProcess.kill();
    }
  }

  async #ended(serverProcess: ServerProcess, end: End): Promise<void> {
    const { demotions, log } = this.#parts;
    const { code, signal, how, running } = end;
    const about = { worker: serverProcess.pid, code, signal, running };
    this.#all.delete(serverProcess);
    const hang = this.#hung.get(serverProcess);
    this.#hung.delete(serverProcess);
    if (this.#isOver()) {
      if (!isCrash(end)) return;
      process.exitCode = 1;
      log.error(about, `a server process died as it stopped (${how})${suspectsOf(running)}`);
      return;
    }
    // It boots while it is found out who did it, and is told with its Start.
    const isReplaced = this.#first === undefined && this.#startsAtOnce(serverProcess);
    const accused = hang === undefined
      ? demotions.accuse(isCrash(end) ? running : [], 'crashed the server', how, log)
      : demotions.accuse([hang.turn], 'held up the server', `for more than ${hang.limit} ms`, log);
    if (isReplaced) this.#forkOrRetry(accused);
    const { demoted, isNew } = await accused;
    if (this.#isOver()) return;
    if (this.#first !== undefined && !isNew) {
      this.#first.fails(`the first server process ended: ${how}`);
      return;
    }
    this.#diedYoung = serverProcess.age < WELL && !isNew ? this.#diedYoung + 1 : 0;
    const mend = (isCrash(end) || hang !== undefined) && demoted.length === 0 ? ': in mode "process" a crash costs one request' : '';
    log.error(about, `a server process died (${how})${suspectsOf(running)}${mend}; replacing it in ${this.#delay} ms`);
    for (const demotion of demoted) this.tell({ type: 'demote', ...demotion });
    if (!isReplaced) this.#replaceSoon();
  }

  /** Asked again after each wait. */
  #isOver(): boolean {
    return this.#isStopping;
  }

  /** Whether its successor starts at once, whatever it died of. */
  #startsAtOnce({ age }: ServerProcess): boolean {
    return age >= WELL || this.#diedYoung === 0;
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

  #forkOrRetry(known?: Promise<unknown>): void {
    try {
      this.#fork(known);
    } catch (error) {
      this.#diedYoung++;
      this.#parts.log.error({ err: error }, `a server process can't be started; trying again in ${this.#delay} ms`);
      this.#replaceSoon();
    }
  }
}
