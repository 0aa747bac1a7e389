import { DlserveError } from '../../ground/errors';
import { surface } from '../../ground/surface';
import type { Exchange } from '../../plugin/exchange';
import type { BodyMode, Handlers } from '../../plugin/handlers';
import { routesOf, type Declared, type PluginRoute } from '../../plugin/route';
import { openLimit, type Instance, type PluginSource } from '../../plugin/runtime';
import type { SupervisedKeys } from './keys';
import { Pool } from './pool';
import type { PoolUser } from './pool-user';
import { failAll } from './settling';
import type { Wire } from './worker';

/** A plugin in processes of its own: the calls that wait for one, and what becomes of them. */
export class SupervisedInstance implements Instance, PoolUser {
  routes: readonly PluginRoute[] = [];
  title: string | undefined;
  readonly #pool: Pool;
  #queue: Exchange[] = [];
  #through = 0;
  #isClosing = false;
  #closed: Promise<void> | undefined;

  private constructor(
    private readonly wire: Wire,
    private readonly source: PluginSource<SupervisedKeys>,
  ) {
    this.#pool = new Pool(wire, source, this);
  }

  /** @throws DlserveError LOAD_FAILED, ABI_UNSUPPORTED, INIT_FAILED or UNAVAILABLE */
  static async open(wire: Wire, source: PluginSource<SupervisedKeys>): Promise<SupervisedInstance> {
    const instance = new SupervisedInstance(wire, source);
    await instance.#pool.open();
    const { declared, bodies } = instance.#pool;
    instance.#takeBodies(bodies);
    if (declared !== undefined) await instance.#take(declared);
    return instance;
  }

  #takeBodies(bodies: Uint8Array): void {
    const { handlers } = this.source;
    bodies.forEach((mode, index) => (handlers.bySymbol(handlers.symbols[index]!)!.body = mode as BodyMode));
  }

  async #take(declared: Declared): Promise<void> {
    const { file, handlers, settings } = this.source;
    this.title = declared.title || undefined;
    try {
      this.routes = routesOf(declared, file.base, (symbol) => handlers.bySymbol(symbol) !== undefined);
    } catch (refusal) {
      await this.close(openLimit(settings));
      throw refusal;
    }
  }

  get handlers(): Handlers {
    return this.source.handlers;
  }

  get capacity(): number {
    return this.#pool.capacity;
  }

  get outstanding(): number {
    return this.#queue.length + this.#pool.load;
  }

  pending(): readonly Exchange[] {
    return [...this.#queue];
  }

  get processes(): readonly number[] {
    return this.#pool.processes;
  }

  call(exchange: Exchange): void {
    const refusal = this.#isClosing ? new DlserveError('STOPPING') : (this.wire.refuse(exchange) ?? this.#pool.refusal(exchange));
    if (refusal !== undefined) {
      exchange.fail(refusal);
      return;
    }
    const worker = this.#pool.pick();
    if (worker === null || this.#queue.length > 0) this.#queue.push(exchange);
    else worker.send(exchange);
  }

  begunAt(exchange: Exchange): number | undefined {
    return this.#pool.begunAt(exchange);
  }

  withdraw(exchange: Exchange): boolean {
    const place = this.#queue.indexOf(exchange);
    if (place === -1) return this.#pool.withdraw(exchange);
    this.#queue.splice(place, 1);
    this.#pool.dropped(exchange);
    this.#pool.conditions.changed();
    return true;
  }

  expire(exchange: Exchange): void {
    if (!this.withdraw(exchange)) this.#pool.expire(exchange);
  }

  // What the pool asks and tells.

  get waiting(): number {
    return this.#queue.length;
  }

  get through(): number {
    return this.#through;
  }

  hasRoom(): void {
    while (this.#queue.length > 0) {
      const worker = this.#pool.pick();
      if (worker === null) return;
      this.#through++;
      worker.send(this.#queue.shift()!);
    }
  }

  takeBack(exchanges: readonly Exchange[]): void {
    if (exchanges.length === 0) return;
    const awaited = exchanges.filter((exchange) => exchange.isAwaited);
    for (const exchange of awaited) exchange.waitAgain();
    this.#queue = [...awaited, ...this.#queue];
    for (const exchange of exchanges) if (!exchange.isAwaited) this.#skip(exchange);
  }

  /** It was withdrawn at the very moment at which it was taken, and turns out not to have begun. */
  #skip(exchange: Exchange): void {
    this.#pool.dropped(exchange);
    try {
      exchange.skip();
    } catch (error) {
      surface(error);
    }
  }

  refuse(errorOf: (exchange: Exchange) => DlserveError | undefined): void {
    if (this.#queue.length === 0) return;
    const refused = new Map<Exchange, DlserveError>();
    this.#queue = this.#queue.filter((exchange) => {
      const error = errorOf(exchange);
      if (error !== undefined) refused.set(exchange, error);
      return error === undefined;
    });
    for (const exchange of refused.keys()) this.#pool.dropped(exchange);
    failAll([...refused.keys()], (exchange) => refused.get(exchange)!);
  }

  close(limit: number): Promise<void> {
    this.#closed ??= this.#close(limit);
    return this.#closed;
  }

  async #close(limit: number): Promise<void> {
    const end = performance.now() + limit;
    this.#isClosing = true;
    this.#pool.drain();
    await this.#pool.conditions.until(() => this.outstanding + this.#pool.kept === 0, limit);
    const closed = this.#pool.close(end - performance.now());
    this.refuse(() => new DlserveError('STOPPING'));
    await closed;
  }
}
