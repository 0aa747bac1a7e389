import { createServer as createHttpServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Exchange } from '../../src/plugin/exchange';
import { BodyMode, type Handlers } from '../../src/plugin/handlers';
import type { Instance, PluginSettings } from '../../src/plugin/runtime';
import { Generation } from '../../src/host/generation';
import type { Host } from '../../src/host/host';
import { Slot } from '../../src/host/slot';
import { Budget } from '../../src/http/body-budget';
import { Endpoint } from '../../src/http/endpoint';
import { Probes } from '../../src/http/probes';
import { createServer } from '../../src/http/server';
import { DEFAULTS, handlersNamed, silentLog } from './runtime';

/** What a handler in parts has: the functions of the contract, as promises. */
export class StreamCall {
  isGone = false;

  constructor(readonly exchange: Exchange) {}

  begin(status = -1, headers: string | null = null): void {
    this.exchange.begin({ status, headers });
  }

  /** @returns false where nobody listens any more */
  async write(part: string | Buffer): Promise<boolean> {
    if (!this.exchange.isAwaited) return false;
    await new Promise<void>((resolve) => {
      if (this.exchange.write(Buffer.from(part), resolve)) resolve();
    });
    return this.exchange.isAwaited;
  }

  async read(): Promise<Buffer | null> {
    return (await this.exchange.input?.next()) ?? null;
  }
}

export type StreamHandler = (call: StreamCall) => Promise<void> | void;

/** An instance whose handlers are functions of a test. */
export class StreamInstance implements Instance {
  readonly handlers: Handlers;
  readonly routes = [];
  readonly title = undefined;
  readonly processes = [];
  capacity = 1e6;
  readonly calls = new Map<Exchange, StreamCall>();
  readonly expired: Exchange[] = [];

  constructor(private readonly functions: Readonly<Record<string, StreamHandler>>) {
    this.handlers = handlersNamed(Object.keys(functions));
  }

  get outstanding(): number {
    return this.calls.size;
  }

  call(exchange: Exchange): void {
    const call = new StreamCall(exchange);
    this.calls.set(exchange, call);
    void Promise.resolve()
      .then(() => this.functions[exchange.handler.symbol]!(call))
      .finally(() => this.calls.delete(exchange));
  }

  begunAt(exchange: Exchange): number | undefined {
    return this.calls.has(exchange) ? exchange.limits.arrival : undefined;
  }

  expire(exchange: Exchange): void {
    this.expired.push(exchange);
    this.withdraw(exchange);
  }

  withdraw(exchange: Exchange): boolean {
    const call = this.calls.get(exchange);
    if (call !== undefined) call.isGone = true;
    return false;
  }

  pending(): Exchange[] {
    return [...this.calls.keys()];
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Serves such an instance as the plugin "test". */
export interface StreamServer {
  readonly url: string;
  readonly port: number;
  readonly slot: Slot;
  readonly server: Server;
  readonly budget: Budget;
  readonly endpoint: Endpoint;
  close(): void;
}

export interface Serving {
  readonly settings?: Partial<Omit<PluginSettings, 'own'>>;
  readonly writeTimeout?: number;
  /** In place of dlserve's own server. */
  readonly wrap?: (endpoint: Endpoint) => Parameters<typeof createHttpServer>[1];
}

export async function serveStreams(instance: StreamInstance, { settings, writeTimeout = 30_000, wrap }: Serving = {}): Promise<StreamServer> {
  const slot = new Slot('test', { ...DEFAULTS, ...settings, own: {} }, { stateChanged: () => undefined, faulted: () => undefined });
  slot.swap(new Generation(1, 'thread', { remove: () => Promise.resolve() } as never, instance));
  const host = { routes: { isEmpty: true }, find: () => slot, open: () => Promise.resolve(slot) } as unknown as Host;
  const budget = new Budget(1e9);
  const log = silentLog();
  const endpoint = new Endpoint(host, { log, budget, bodyLimit: 1000, writeTimeout });
  const probes = new Probes(() => ({ ready: true, plugins: [] }), log);
  const server = wrap === undefined ? createServer({ endpoint, fastlane: true, bodylimit: 1000, log, probes }) : createHttpServer(wrap(endpoint));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/_PLUGIN/test`,
    port,
    slot,
    server,
    budget,
    endpoint,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Has handlers take their bodies in such a mode. */
export function setBody(instance: StreamInstance, mode: keyof typeof BodyMode): void {
  for (const symbol of instance.handlers.symbols) instance.handlers.bySymbol(symbol)!.body = BodyMode[mode];
}
