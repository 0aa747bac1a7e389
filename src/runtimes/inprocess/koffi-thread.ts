import { DlserveError } from '../../ground/errors';
import type { RawReply } from '../../contract/reply';
import { openLimit, type Call, type Plugin, type PluginSource, type Runtime } from '../../contract/runtime';
import { Drain, inTime, within } from './drain';
import { Invocation } from './invocation';
import type { KoffiFunction } from './koffi';
import { Library } from './library';
import { LibuvShare, type Waiting } from './libuv-share';
import { callInit, callStop } from './lifecycle';
import { PluginMemory } from './plugin-memory';
import { internal, tooLate } from './refusals';
import { ThreadLog } from './thread-log';

/** Mode "thread" without the addon: koffi's asynchronous calls, on a share of libuv's threads. */
export class KoffiThreadRuntime implements Runtime {
  #warned = false;

  /** @param reason why the addon can't be used */
  constructor(
    private readonly reason: string,
    private readonly share = new LibuvShare(),
  ) {}

  async open(source: PluginSource): Promise<Plugin> {
    this.#warn(source);
    const library = Library.open(source);
    try {
      const limit = openLimit(source.settings);
      const init = callInit(library, source, (f, ...args) => this.share.runNow(f, ...args));
      if ((await within(init.then(() => true), limit)) === undefined) throw library.initHangs(limit);
      return new KoffiThreadPlugin(source, library, this.share);
    } catch (refusal) {
      library.unload();
      throw refusal;
    }
  }

  #warn({ log }: PluginSource): void {
    if (this.#warned) return;
    this.#warned = true;
    log.warn(
      { reason: this.reason, threads: this.share.threads },
      'the native addon is missing: in mode "thread" all plugins share the threads of Node\'s own pool, and calls are slower; ' +
        'install a C compiler, make and Python, then run: npm rebuild dlserve',
    );
  }
}

class KoffiThreadPlugin implements Plugin, Waiting {
  readonly capacity: number;
  readonly #log: ThreadLog;
  readonly #memory: PluginMemory;
  readonly #handlers: readonly KoffiFunction[];
  readonly #queue: Call[] = [];
  readonly #running = new Set<Call>();
  readonly #overdue = new Set<Call>();
  readonly #invocations: Invocation[] = [];
  readonly #drain = new Drain();
  #closing: Promise<void> | undefined;

  constructor(
    private readonly source: PluginSource,
    private readonly library: Library,
    private readonly share: LibuvShare,
  ) {
    this.capacity = Math.min(library.concurrency(), share.mostForOne);
    this.#log = new ThreadLog(source);
    this.#memory = new PluginMemory(library);
    this.#handlers = source.symbols.map((symbol) => library.handler(symbol));
    share.join(this);
  }

  get outstanding(): number {
    return this.#queue.length + this.#running.size;
  }

  call(call: Call): void {
    if (this.#closing !== undefined) {
      call.settle(new DlserveError('STOPPING'), null);
      return;
    }
    this.#queue.push(call);
    this.share.pump();
  }

  startOne(): boolean {
    if (this.#running.size >= this.capacity) return false;
    const call = this.#queue.shift();
    if (call === undefined) return false;
    if (call.deadline > performance.now()) {
      this.#start(call);
    } else {
      this.#restIfDone();
      call.settle(tooLate(this.source, call), null);
    }
    return true;
  }

  #start(call: Call): void {
    const invocation = this.#invocations.pop() ?? new Invocation(this.#memory);
    const args = invocation.begin(call);
    this.#running.add(call);
    this.share.run(this.#handlers[call.symbol]!, args, (failure, string) => {
      this.#end(call, invocation, failure, string as bigint | null);
    });
  }

  #end(call: Call, invocation: Invocation, failure: unknown, string: bigint | null): void {
    let reply: RawReply | null = null;
    let error: DlserveError | null = null;
    try {
      if (failure !== null) error = internal(this.source, call, failure);
      else reply = invocation.end(string, this.source.symbols[call.symbol]!);
    } catch (thrown) {
      error = thrown instanceof DlserveError ? thrown : internal(this.source, call, thrown);
    }
    this.#invocations.push(invocation);
    this.#running.delete(call);
    if (this.#overdue.delete(call)) this.#log.cameBack(call);
    this.#restIfDone();
    call.settle(error, reply);
  }

  withdraw(call: Call): boolean {
    const place = this.#queue.indexOf(call);
    if (place === -1) return false;
    this.#queue.splice(place, 1);
    this.#restIfDone();
    return true;
  }

  expire(call: Call): void {
    if (this.withdraw(call) || !this.#running.has(call)) return;
    this.#overdue.add(call);
    this.#log.holds(call);
  }

  #restIfDone(): void {
    if (this.outstanding === 0) this.#drain.rested();
  }

  close(limit: number): Promise<void> {
    this.#closing ??= this.#close(performance.now() + limit);
    return this.#closing;
  }

  async #close(end: number): Promise<void> {
    const left = (): number => end - performance.now();
    const drained = this.outstanding === 0 || (await this.#drain.wait(left()));
    this.share.leave(this);
    if (!drained) {
      this.#log.givenUp([...this.#running]);
      this.library.keep();
      for (const call of [...this.#queue.splice(0), ...this.#running]) call.settle(new DlserveError('STOPPING'), null);
    } else if (await inTime(callStop(this.library, (stop) => this.share.runNow(stop)), left())) {
      this.library.close();
    } else {
      this.#log.stopHangs();
      this.library.keep();
    }
  }
}
