import type { Readable } from 'node:stream';
import { DlserveError } from '../ground/errors';
import { LONGEST_TIMER } from '../ground/waiting';
import { bodyOfParts } from '../plugin/body-source';
import { Deadline, TimeLimits } from '../plugin/deadline';
import { Exchange } from '../plugin/exchange';
import { BodyMode, type Handler } from '../plugin/handlers';
import { checkNames, symbolOf } from '../plugin/name';
import type { CallEnd } from '../plugin/reply-collector';
import type { Host } from '../host/host';
import { resolve } from '../host/resolve';
import type { Slot } from '../host/slot';
import { bytesOf, GivenBody, isPart } from './call-body';
import { checkOptions, requestOf, type AnyCallOptions } from './call-options';
import { collectingCaller, StreamingCaller, type Caller, type CallReply } from './call-reply';

/** A call on its way to its handler. */
interface Call {
  readonly plugin: string;
  readonly func: string;
  readonly method: string;
  readonly options: AnyCallOptions;
  /** The caller's deadline. */
  readonly own: Deadline | undefined;
}

let calls = 0;

/**
 * Calls a handler without HTTP.
 * @param bodyLimit bytes of a body that comes as a stream, for a handler that takes it as a whole
 * @throws DlserveError BAD_CALL, or as a request would be answered; or the reason of the signal, or what went wrong in the body
 */
export async function callHandler(host: Host, plugin: string, func: string, options: AnyCallOptions, bodyLimit: number): Promise<CallReply<Buffer | Readable>> {
  checkOptions(options);
  const { method = options.body === undefined ? 'GET' : 'POST', body, signal, timeout } = options;
  checkNames(plugin, func);
  signal?.throwIfAborted();
  const call = { plugin, func, method, options, own: timeout === undefined ? undefined : Deadline.after(timeout) };
  if (body === undefined || isPart(body)) return make(await open(host, call), call, body === undefined ? null : bytesOf(body));
  const given = new GivenBody(body);
  try {
    const slot = await open(host, call);
    return await make(slot, call, await fit(given, slot, call, bodyLimit));
  } catch (error) {
    given.close();
    throw error;
  }
}

/** Nearly always it is open, and a call needs no turn of its own. */
async function open(host: Host, call: Call): Promise<Slot> {
  const slot = host.find(call.plugin) ?? (await inTime(host.open(call.plugin), call));
  call.options.signal?.throwIfAborted();
  return slot;
}

function handlerOf(slot: Slot, { plugin, func, method }: Call): Handler | DlserveError {
  return slot.current === undefined ? slot.refusal()! : resolve(plugin, slot.current.handlers, func, method);
}

/** A body that comes in parts, as its handler takes it: as a whole, unless it says otherwise. */
async function fit(given: GivenBody, slot: Slot, call: Call, limit: number): Promise<GivenBody | Buffer> {
  const handler = handlerOf(slot, call);
  if (handler instanceof DlserveError || handler.body === BodyMode.STREAM || handler.body === BodyMode.NONE) return given;
  const refusal = slot.refusal();
  if (refusal !== undefined) throw refusal;
  return inTime(given.collect(limit), call);
}

function make(slot: Slot, call: Call, body: GivenBody | Buffer | null): Promise<CallReply<Buffer | Readable>> {
  const { signal, stream } = call.options;
  return new Promise((fulfil, reject) => {
    let over = (): void => undefined;
    const ending: CallEnd<Buffer | Readable> = { fulfil, reject, over: () => over() };
    const caller = stream === true ? new StreamingCaller(ending) : collectingCaller(ending);
    over = attend(caller, signal, body);
    const handler = handlerOf(slot, call);
    if (handler instanceof DlserveError) {
      // As over HTTP: OPTIONS is answered for the handlers that are there.
      if (call.method === 'OPTIONS' && handler.code === 'METHOD_NOT_ALLOWED') caller.reply({ status: 204, headers: ['Allow', handler.headers.Allow!], body: '', release: undefined });
      else caller.fail(handler);
      return;
    }
    const { plugin, func, method, options, own } = call;
    const isWhole = !(body instanceof GivenBody) && handler.body !== BodyMode.STREAM && handler.body !== BodyMode.NONE;
    const exchange = new Exchange(requestOf(plugin, func, method, options), handler, isWhole ? body : null, new TimeLimits(slot.settings, own), `call-${++calls}`, caller);
    if (body !== null && handler.body === BodyMode.STREAM) exchange.input = body instanceof GivenBody ? body : bodyOfParts([body]);
    caller.exchange = exchange;
    slot.call(exchange);
  });
}

/** Sees to it that a call ends early where its signal or its body says so. @returns what is to be done at its end */
function attend(caller: Caller, signal: AbortSignal | undefined, body: GivenBody | Buffer | null): () => void {
  const onAbort = (): void => caller.leave(signal!.reason as Error);
  signal?.addEventListener('abort', onAbort, { once: true });
  const given = body instanceof GivenBody ? body : undefined;
  if (given !== undefined) given.onFailed = (error) => caller.leave(error);
  return () => {
    signal?.removeEventListener('abort', onAbort);
    given?.close();
  };
}

/** What is waited for before the call is made, unless the caller's deadline or signal comes before. */
async function inTime<T>(waiting: Promise<T>, { plugin, func, method, options: { signal }, own: deadline }: Call): Promise<T> {
  let stop: (() => void) | undefined;
  const stopped = new Promise<never>((_, reject) => {
    const onAbort = (): void => reject(signal!.reason as Error);
    signal?.addEventListener('abort', onAbort);
    const late = (): void => reject(deadline!.exceeded(symbolOf(method, func), plugin));
    const timer = deadline === undefined ? undefined : setTimeout(late, Math.min(deadline.left, LONGEST_TIMER));
    stop = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
  });
  return Promise.race([waiting, stopped]).finally(stop);
}
