import { DlserveError } from '../../ground/errors';
import type { RawReply } from '../../contract/reply';
import type { Call, Plugin, PluginSource, Runtime } from '../../contract/runtime';
import { Drain, inTime } from './drain';
import { BoundLibrary, Invocation } from './invocation';
import { Library } from './library';
import { LibuvShare, type Waiting } from './libuv-share';
import { internal, tooLate } from './refusals';
import { ThreadLog } from './thread-log';

/** Mode "thread" without the addon: koffi's asynchronous calls, on a share of libuv's threads. */
export class KoffiThreadRuntime implements Runtime {
  readonly #share: LibuvShare;

  constructor(share = new LibuvShare()) {
    this.#share = share;
  }

  async open(source: PluginSource): Promise<Plugin> {
    const library = Library.open(source);
    try {
      const bound = new BoundLibrary(library, source);
      await bound.init((init, ...args) => this.#share.runNow(init, ...args));
      return new KoffiThreadPlugin(source, library, bound, this.#share);
    } catch (refusal) {
      library.unload();
      throw refusal;
    }
  }
}

class KoffiThreadPlugin implements Plugin, Waiting {
  readonly capacity: number;
  readonly #log: ThreadLog;
  readonly #queue: Call[] = [];
  readonly #running = new Set<Call>();
  readonly #overdue = new Set<Call>();
  readonly #invocations: Invocation[] = [];
  readonly #drain = new Drain();
  #closing: Promise<void> | undefined;

  constructor(
    private readonly source: PluginSource,
    private readonly library: Library,
    private readonly bound: BoundLibrary,
    private readonly share: LibuvShare,
  ) {
    this.capacity = Math.min(library.concurrency(), share.mostForOne);
    this.#log = new ThreadLog(source);
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
    if (call.deadline <= performance.now()) {
      call.settle(tooLate(this.source, call), null);
      this.#restIfDone();
      return true;
    }
    this.#start(call);
    return true;
  }

  #start(call: Call): void {
    const invocation = this.#invocations.pop() ?? new Invocation(this.bound);
    const text = invocation.begin(call);
    this.#running.add(call);
    const args = [text, invocation.status, invocation.exchange];
    // The callback refers to text and call, and so keeps in place the memory that the handler reads.
    this.share.run(this.bound.handlers[call.symbol]!, args, (failure, string) => {
      this.#end(call, text, invocation, failure, string as bigint | null);
    });
  }

  #end(call: Call, text: Buffer, invocation: Invocation, failure: unknown, string: bigint | null): void {
    let reply: RawReply | null = null;
    let error: DlserveError | null = null;
    try {
      if (failure !== null) throw failure;
      reply = invocation.end(string, this.source.symbols[call.symbol]!);
    } catch (thrown) {
      error = thrown instanceof DlserveError ? thrown : internal(this.source, call, thrown);
    }
    void text;
    this.#invocations.push(invocation);
    this.#running.delete(call);
    if (this.#overdue.delete(call)) this.#log.cameBack(call);
    this.#restIfDone();
    call.settle(error, reply);
  }

  expire(call: Call): void {
    const place = this.#queue.indexOf(call);
    if (place !== -1) {
      this.#queue.splice(place, 1);
      this.#restIfDone();
    } else if (this.#running.has(call)) {
      this.#overdue.add(call);
      this.#log.holds(call);
    }
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
      for (const call of this.#queue.splice(0)) call.settle(new DlserveError('STOPPING'), null);
      this.#log.givenUp([...this.#running]);
      this.library.keep();
      return;
    }
    if (await inTime(this.bound.stop((stop) => this.share.runNow(stop)), left())) {
      this.library.close();
    } else {
      this.#log.stopHangs();
      this.library.keep();
    }
  }
}
