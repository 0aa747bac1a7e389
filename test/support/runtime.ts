import path from 'node:path';
import type { DlserveError } from '../../src/ground/errors';
import { silentLog, type Logger } from '../../src/ground/log';
import type { RawReply } from '../../src/contract/reply';
import { requestHead, NO_BODY } from '../../src/contract/request';
import type { Call, Plugin, PluginSettings, PluginSource } from '../../src/contract/runtime';

/** What a test may say of a library; the rest are the defaults of a server. */
export interface SourceOptions {
  readonly symbols: readonly string[];
  readonly settings?: Partial<PluginSettings>;
  readonly log?: Logger;
}

const DEFAULTS: PluginSettings = {
  mode: 'thread',
  timeout: 30_000,
  queue: 1024,
  concurrency: undefined,
  workers: 1,
  memory: 0,
  crashes: 5,
  crashwindow: 60_000,
  rest: 30_000,
  config: {},
};

/** A library as the host gives it to a runtime, its name taken from its file. */
export function pluginSource(library: string, options: SourceOptions): PluginSource {
  return {
    name: path.parse(library).name,
    path: library,
    symbols: options.symbols,
    settings: { ...DEFAULTS, ...options.settings },
    log: options.log ?? silentLog(),
  };
}

/** What a test may say of a call. */
export interface CallOptions {
  /** The request body; absent: the request has none. */
  readonly body?: Buffer;
  readonly query?: string;
  /** Milliseconds of performance.now(); absent: in 30 seconds. */
  readonly deadline?: number;
  readonly id?: string;
}

/** A request JSON up to its body's value. */
export function head(query = ''): string {
  return requestHead({ file: 'test', func: 'Test', method: 'GET', path: '/_PLUGIN/test/Test', query, rawHeaders: [] });
}

let calls = 0;

/** A call that tells a callback how it was settled; each further settlement too, so that a test can see them. */
export function makeCall(
  symbol: number,
  options: CallOptions,
  settle: (error: DlserveError | null, reply: RawReply | null) => void,
): Call {
  const body = options.body ?? null;
  return {
    symbol,
    request: head(options.query) + (body === null ? NO_BODY : ''),
    body,
    deadline: options.deadline ?? performance.now() + 30_000,
    timeout: 30_000,
    id: options.id ?? `call-${++calls}`,
    settle,
  };
}

/** Calls a handler and resolves with what it gave; rejects with the call's DlserveError. */
export function callHandler(plugin: Plugin, symbol: number, options: CallOptions = {}): Promise<RawReply> {
  return new Promise((resolve, reject) => {
    plugin.call(makeCall(symbol, options, (error, reply) => (error === null ? resolve(reply!) : reject(error))));
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
