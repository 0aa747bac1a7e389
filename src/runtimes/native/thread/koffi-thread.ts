import { DlserveError } from '../../../ground/errors';
import { Conditions, inTime, within } from '../../../ground/waiting';
import type { Exchange } from '../../../plugin/exchange';
import type { Handlers } from '../../../plugin/handlers';
import type { RawReply } from '../../../plugin/reply';
import type { Declared } from '../../../plugin/route';
import { openLimit } from '../../../plugin/runtime';
import type { SaidBodies } from '../bodies';
import type { OpenImage, SharedInstance } from '../images';
import type { NativeSource } from '../keys';
import { Invocation, KOFFI_ABI } from '../koffi/invocation';
import { useKoffi, type KoffiFunction } from '../koffi/koffi';
import { callBodies, callDeclared, callInit, callNumber, callStart, callStop, type Run } from '../koffi/lifecycle';
import { openPinned, RTLD_NOW } from '../koffi/open';
import { PluginMemory } from '../koffi/plugin-memory';
import type { LoadedLibrary } from '../loaded-library';
import { openAlone, StillRuns } from '../loader';
import { internal } from '../refusals';
import { LibuvShare, type Waiting } from './libuv-share';
import { ThreadLog } from './thread-log';

/**
 * Mode "thread" without the addon: koffi's asynchronous calls, on a share of libuv's threads.
 * @param reason why the addon can't be used
 */
export function koffiThread(reason: string): (source: NativeSource) => Promise<OpenImage> {
  const threads = new KoffiThreads(reason);
  return (source) => threads.open(source);
}

class KoffiThreads {
  #warned = false;

  constructor(
    private readonly reason: string,
    private readonly share = new LibuvShare(),
  ) {}

  async open(source: NativeSource): Promise<OpenImage> {
    this.#warn(source);
    const limit = openLimit(source.settings);
    let end = Infinity;
    let late: LoadedLibrary | undefined;
    const load = async (): Promise<LoadedLibrary> => {
      end = performance.now() + limit;
      // What it says where it fails is lost with its thread; opening it once more fails the same way, with words.
      const pin = (await this.#here(useKoffi().system.dlopen, source.file.path, RTLD_NOW)) as bigint | null;
      return (late = openPinned(source, pin));
    };
    const library = await openAlone(source.file.base, 'opening', limit, load, () =>
      openAlone(source.file.base, 'unloading', limit, () => late?.unload()),
    );
    try {
      const initialised = await within(this.#initialise(library, source), end - performance.now());
      if (initialised === undefined) throw library.initHangs(limit);
      const { threads, declared, bodies } = initialised;
      return { instance: new KoffiThreadInstance(source, library, this.share, threads), library, declared, bodies, streams: false };
    } catch (refusal) {
      if (!(refusal instanceof DlserveError && refusal.cause instanceof StillRuns)) await openAlone(library.name, 'unloading', limit, () => library.unload());
      throw refusal;
    }
  }

  async #initialise(library: LoadedLibrary, source: NativeSource): Promise<{ threads: number; declared: Declared | undefined; bodies: SaidBodies }> {
    library.checkAbi(await callNumber(library, 'PluginABI', this.#here), KOFFI_ABI);
    await callInit(library, source, this.#here);
    const title = await callStart(library, source, this.#here);
    const threads = library.concurrency(await callNumber(library, 'PluginConcurrency', this.#here));
    return { threads, declared: await callDeclared(library, title, this.#here), bodies: await callBodies(library, this.#here) };
  }

  readonly #here: Run = (f, ...args) => this.share.runNow(f, ...args);

  #warn({ log }: NativeSource): void {
    if (this.#warned) return;
    this.#warned = true;
    log.warn(
      { reason: this.reason, threads: this.share.threads },
      'the native addon is missing: in mode "thread" all plugins share the threads of Node\'s own pool, and calls are slower; ' +
        'install a C compiler, make and Python, then run: npm rebuild dlserve',
    );
  }
}

class KoffiThreadInstance implements SharedInstance, Waiting {
  readonly capacity: number;
  readonly processes = [];
  readonly #log: ThreadLog;
  readonly #memory: PluginMemory;
  readonly #handlers: readonly KoffiFunction[];
  readonly #queue: Exchange[] = [];
  /** With the times at which they began. */
  readonly #running = new Map<Exchange, number>();
  readonly #overdue = new Set<Exchange>();
  readonly #invocations: Invocation[] = [];
  readonly conditions = new Conditions();
  readonly gone: Promise<void>;
  #isGone!: () => void;
  #closing: Promise<void> | undefined;

  constructor(
    private readonly source: NativeSource,
    private readonly library: LoadedLibrary,
    private readonly share: LibuvShare,
    threads: number,
  ) {
    this.capacity = Math.min(threads, share.mostForOne);
    this.gone = new Promise((resolve) => (this.#isGone = resolve));
    this.#log = new ThreadLog(source);
    this.#memory = new PluginMemory(library);
    this.#handlers = source.handlers.symbols.map((symbol) => library.handler(symbol));
    share.join(this);
  }

  get outstanding(): number {
    return this.#queue.length + this.#running.size;
  }

  pending(): Exchange[] {
    return [...this.#queue, ...this.#running.keys()];
  }

  get handlers(): Handlers {
    return this.source.handlers;
  }

  call(exchange: Exchange): void {
    if (this.#closing !== undefined) {
      exchange.fail(new DlserveError('STOPPING'));
      return;
    }
    this.#queue.push(exchange);
    this.share.pump();
  }

  startOne(): boolean {
    if (this.#running.size >= this.capacity) return false;
    const exchange = this.#queue.shift();
    if (exchange === undefined) return false;
    if (exchange.limits.beginBy > performance.now()) {
      this.#start(exchange);
    } else {
      this.conditions.changed();
      exchange.skip();
    }
    return true;
  }

  #start(exchange: Exchange): void {
    const invocation = this.#invocations.pop() ?? new Invocation(this.#memory);
    const args = invocation.begin(exchange);
    this.#running.set(exchange, performance.now());
    this.share.run(this.#handlers[exchange.handler.index]!, args, (failure, string) => {
      this.#end(exchange, invocation, failure, string as bigint | null);
    });
  }

  #end(exchange: Exchange, invocation: Invocation, failure: unknown, string: bigint | null): void {
    let reply: RawReply | null = null;
    let error: DlserveError | null = null;
    try {
      if (failure !== null) error = internal(this.source, exchange, failure);
      else reply = invocation.end(string, exchange.handler.symbol);
    } catch (thrown) {
      error = thrown instanceof DlserveError ? thrown : internal(this.source, exchange, thrown);
    }
    this.#invocations.push(invocation);
    this.#running.delete(exchange);
    if (this.#overdue.delete(exchange)) this.#log.cameBack(exchange);
    this.conditions.changed();
    if (reply !== null) exchange.reply(reply);
    else exchange.fail(error!);
  }

  begunAt(exchange: Exchange): number | undefined {
    return this.#running.get(exchange);
  }

  withdraw(exchange: Exchange): boolean {
    const place = this.#queue.indexOf(exchange);
    if (place === -1) return false;
    this.#queue.splice(place, 1);
    this.conditions.changed();
    return true;
  }

  expire(exchange: Exchange): void {
    if (this.withdraw(exchange) || !this.#running.has(exchange)) return;
    this.#overdue.add(exchange);
    this.#log.holds(exchange);
  }

  giveUp(exchanges: readonly Exchange[]): void {
    const running = exchanges.filter((exchange) => !this.withdraw(exchange));
    for (const exchange of running) this.#overdue.add(exchange);
    this.#log.givenUp(running);
    for (const exchange of exchanges) exchange.fail(new DlserveError('STOPPING'));
  }

  close(limit: number): Promise<void> {
    this.#closing ??= this.#close(performance.now() + limit);
    return this.#closing;
  }

  async #close(end: number): Promise<void> {
    const left = (): number => end - performance.now();
    const isDrained = await this.conditions.until(this.#isIdle, left());
    this.share.leave(this);
    if (!isDrained) this.giveUp(this.pending());
    const ending = this.#leave(left);
    if (isDrained && !(await inTime(ending, left()))) this.#log.stopHangs();
  }

  /** Sees it to its end, however long the last call takes to come back. */
  async #leave(left: () => number): Promise<void> {
    const { library } = this;
    try {
      await this.conditions.until(this.#isIdle, Infinity);
      await callStop(library, this.source, (stop, ...args) => this.share.runNow(stop, ...args));
      const limit = left() > 0 ? left() : openLimit(this.source.settings);
      if (library.canStop) await openAlone(library.name, 'unloading', limit, () => library.unload());
      else library.keep();
    } catch (error) {
      this.source.log.error({ plugin: this.source.name, err: error }, 'a plugin could not be closed; it stays in memory');
      library.keep();
    } finally {
      this.#isGone();
    }
  }

  readonly #isIdle = (): boolean => this.outstanding === 0;
}
