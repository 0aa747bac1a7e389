import { copyFileSync, mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pino from 'pino';
import type { DlserveError } from '../../src/ground/errors';
import type { Logger } from '../../src/ground/log';
import { Deadline, TimeLimits } from '../../src/plugin/deadline';
import { Exchange } from '../../src/plugin/exchange';
import { Handlers, type Handler } from '../../src/plugin/handlers';
import { parseSymbol } from '../../src/plugin/name';
import type { RawReply, Reply } from '../../src/plugin/reply';
import { requestText, type PluginRequest } from '../../src/plugin/request';
import type { Instance, Observer, PluginFile, PluginSettings, PluginSource } from '../../src/plugin/runtime';
import type { Services } from '../../src/plugin/services';
import type { Values } from '../../src/ground/key';
import type { NATIVE_KEYS } from '../../src/runtimes/native/keys';
import type { SupervisedKeys } from '../../src/runtimes/supervised/keys';

/** The settings of a plugin, those of its runtime among them. */
export type TestSettings = Omit<PluginSettings, 'own'> & Omit<OwnKeys, 'workers'> & { readonly workers: number | OwnKeys['workers'] };

type OwnKeys = SupervisedKeys & Values<typeof NATIVE_KEYS>;

/** What a test may say of a library; the rest are the defaults of a server. */
export interface SourceOptions {
  readonly symbols: readonly string[];
  readonly settings?: Partial<TestSettings>;
  readonly log?: Logger;
  readonly observer?: Observer;
  readonly services?: Services;
}

/** The settings of a plugin that nothing is said of. */
export const DEFAULTS: Omit<PluginSettings, 'own'> = {
  mode: 'thread',
  timeout: 30_000,
  queueTimeout: 30_000,
  queue: 1024,
  concurrency: undefined,
  start: 'request',
  after: [],
  required: false,
  trial: undefined,
  demote: true,
  faultreports: 10,
  config: {},
  routes: [],
};

const OWN: Omit<OwnKeys, 'workers'> = {
  ownsymbols: true, memory: 0, crashes: 5, crashwindow: 60_000, faultshare: 0.5, faultcalls: 10, rest: 30_000, retry: false, scaleafter: 50, scaleidle: 30_000,
};

/** A log that writes nothing. */
export function silentLog(): Logger {
  return pino({ level: 'silent' });
}

/** A host without services, which writes no log. */
const NO_SERVICES: Services = {
  ask: () => Promise.resolve({ isOk: false, json: '{"code":"UNKNOWN_SERVICE","message":"there are none"}' }),
  log: () => undefined,
};

/** A library as the host gives it to a runtime, its name taken from its file. */
export function pluginSource(library: string, options: SourceOptions): PluginSource<OwnKeys> {
  const given = { ...DEFAULTS, ...options.settings };
  const { workers = 1 } = given;
  return {
    name: path.parse(library).name,
    file: pluginFile(library),
    handlers: handlersNamed(options.symbols),
    settings: { ...given, own: { ...OWN, ...given, workers: typeof workers === 'number' ? { least: workers, most: workers } : workers } },
    log: options.log ?? silentLog(),
    services: options.services ?? NO_SERVICES,
    observer: options.observer ?? { resting: () => undefined, fault: () => undefined },
  };
}

function pluginFile(library: string): PluginFile {
  const status = statSync(library, { throwIfNoEntry: false });
  const identity = status === undefined ? library : `${status.dev}:${status.ino}`;
  return { path: library, base: path.basename(library), identity, fingerprint: `${identity}:${status?.mtimeMs}` };
}

/** Handlers with these symbols, which have their places as indices. */
export function handlersNamed(symbols: readonly string[]): Handlers {
  const handlers = new Handlers();
  for (const symbol of symbols) {
    const { method, func } = parseSymbol(symbol)!;
    handlers.add(method, func, symbol);
  }
  return handlers;
}

/** A copy of a library: the system maps it as one of its own. */
export function copyLibrary(library: string): string {
  const copy = path.join(mkdtempSync(path.join(tmpdir(), 'dlserve-copy-')), path.basename(library));
  copyFileSync(library, copy);
  return copy;
}

/** What a test may say of a call. */
export interface CallOptions {
  /** The request body; absent: the request has none. */
  readonly body?: Buffer;
  readonly query?: string;
  /** The client's own, in milliseconds of performance.now(). */
  readonly deadline?: number;
  readonly id?: string;
  /** GET unless given. */
  readonly method?: PluginRequest['method'];
  /** The route of the plugin's own by which it comes, such as "GET /hello". */
  readonly route?: string;
}

/** The request that every call of a test makes. */
export function testRequest(query = ''): PluginRequest {
  return { file: 'test', func: 'Test', method: 'GET', path: '/_PLUGIN/test/Test', query, rawHeaders: [] };
}

/** A request JSON up to its body's value. */
export function head(query = ''): string {
  return requestText(testRequest(query), true);
}

type Settle = (error: DlserveError | null, reply: RawReply | null) => void;

const NOBODY = {
  reply: () => undefined,
  fail: () => undefined,
  begin: () => undefined,
  write: () => true,
  end: () => undefined,
  dropped: () => undefined,
};

let calls = 0;

/** An exchange that hands on what the instance says as it says it, each further settlement too. */
class RecordedExchange extends Exchange {
  constructor(
    handler: Handler,
    { body, query, deadline, id, method = 'GET', route }: CallOptions,
    private readonly settle: Settle,
  ) {
    const own = deadline === undefined ? undefined : new Deadline(deadline, 30_000);
    const taken = route === undefined ? undefined : { title: route, names: [], values: [] };
    super({ ...testRequest(query), method, route: taken }, handler, body ?? null, new TimeLimits(DEFAULTS, own), id ?? `call-${++calls}`, NOBODY);
  }

  override reply(raw: RawReply): void {
    this.settle(null, raw);
  }

  override fail(error: DlserveError): void {
    this.settle(error, null);
  }

  override drop(): void {
    this.settle(null, null);
  }
}

/** A call of an instance's handler with that index; it tells a callback how it was settled. */
export function makeCall({ handlers }: Pick<Instance, 'handlers'>, index: number, options: CallOptions, settle: Settle): Exchange {
  return new RecordedExchange(handlers.bySymbol(handlers.symbols[index]!)!, options, settle);
}

/** Calls a handler and resolves with what it gave; rejects with the call's DlserveError. */
export function callHandler(plugin: Instance, index: number, options: CallOptions = {}): Promise<RawReply> {
  return new Promise((resolve, reject) => {
    plugin.call(makeCall(plugin, index, options, (error, reply) => (error === null ? resolve(reply!) : reject(error))));
  });
}

/** How long a call may wait and take, in milliseconds; what is absent is long enough. */
export interface Within {
  readonly timeout?: number;
  readonly queueTimeout?: number;
  /** The client's deadline. */
  readonly own?: number;
}

/** Calls a handler as a host does, within limits; gives the reply's text, or the error's code. */
export function callWithin(plugin: Instance, index: number, { own, ...limits }: Within, { query, body, id }: CallOptions = {}): Promise<string> {
  return new Promise((resolve) => {
    const handler = plugin.handlers.bySymbol(plugin.handlers.symbols[index]!)!;
    const recipient = { ...NOBODY, reply: (reply: Reply) => resolve(reply.body.toString()), fail: ({ code }: DlserveError) => resolve(code) };
    const allowed = new TimeLimits({ ...DEFAULTS, ...limits }, own === undefined ? undefined : Deadline.after(own));
    new Exchange(testRequest(query), handler, body ?? null, allowed, id ?? `call-${++calls}`, recipient).enter(plugin, { left: () => undefined });
  });
}

/** The reply body as bytes, whichever way the runtime handed it on. */
export function bytesOf(reply: RawReply): Buffer | null {
  return typeof reply.body === 'string' ? Buffer.from(reply.body, 'latin1') : reply.body;
}

/** The reply body as text. */
export function textOf(reply: RawReply): string | null {
  return bytesOf(reply)?.toString() ?? null;
}
