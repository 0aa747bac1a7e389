import { isUtf8 } from 'node:buffer';
import { DlserveError } from '../../ground/errors';
import type { RawReply } from '../../contract/reply';
import { HOST_ABI, MAX_REPLY, type Call, type PluginSource } from '../../contract/runtime';
import { useKoffi, type KoffiFunction, type System } from './koffi';
import type { Library } from './library';

/** Words of 8 bytes in struct dlserve_exchange of native/include/dlserve.h, as 64-bit little-endian machines lay it out. */
const EXCHANGE_WORDS = 7;
const REQUEST_BODY = 1;
const REQUEST_BODY_LENGTH = 2;
const DEADLINE = 3;
const REPLY_BODY = 4;
const REPLY_BODY_LENGTH = 5;
const REPLY_HEADERS = 6;

/** The int behind the exchange. */
const STATUS = EXCHANGE_WORDS * 2;

const LATEST = 2n ** 63n - 1n;

/** The memory through which koffi calls one handler at a time: the exchange, and the status behind it. */
export class Invocation {
  private readonly words = new BigInt64Array(EXCHANGE_WORDS + 1);
  private readonly ints = new Int32Array(this.words.buffer);
  readonly exchange: bigint;
  readonly status: bigint;

  constructor(private readonly library: BoundLibrary) {
    this.exchange = library.addressOf(this.words);
    this.status = this.exchange + BigInt(EXCHANGE_WORDS * 8);
  }

  /** Fills the exchange, and returns the text of the request, ended by NUL. The call must outlive the handler's run. */
  begin(call: Call): Buffer {
    const hasBytes = call.body !== null && call.body.length > 0;
    this.ints[0] = EXCHANGE_WORDS * 8;
    this.ints[1] = HOST_ABI;
    this.words[REQUEST_BODY] = hasBytes ? this.library.addressOf(call.body) : 0n;
    this.words[REQUEST_BODY_LENGTH] = hasBytes ? BigInt(call.body.length) : 0n;
    this.words[DEADLINE] = unixMilliseconds(call.deadline);
    this.words.fill(0n, REPLY_BODY, EXCHANGE_WORDS);
    this.ints[STATUS] = -1;
    return Buffer.from(call.body === null ? `${call.request}\0` : `${call.request}${bodyJson(call.body)}}\0`);
  }

  /**
   * Copies what the handler gave and gives it back to the library.
   * @param string what the handler returned
   * @throws DlserveError REPLY_TOO_LARGE
   */
  end(string: bigint | null, symbol: string): RawReply {
    const bytes = BigInt.asUintN(64, this.words[REPLY_BODY]!);
    const headers = BigInt.asUintN(64, this.words[REPLY_HEADERS]!);
    const given = new Set([string ?? 0n, bytes, headers]);
    given.delete(0n);
    try {
      return {
        status: this.ints[STATUS]!,
        body:
          bytes !== 0n
            ? this.library.copy(bytes, Number(BigInt.asUintN(64, this.words[REPLY_BODY_LENGTH]!)), symbol)
            : string !== null
              ? this.library.copyString(string, symbol)
              : null,
        headers: headers === 0n ? null : this.library.copyString(headers, symbol).toString('latin1'),
      };
    } finally {
      for (const pointer of given) this.library.release(pointer);
    }
  }
}

function unixMilliseconds(deadline: number): bigint {
  const at = Date.now() + (deadline - performance.now());
  return at < Number.MAX_SAFE_INTEGER ? BigInt(Math.round(at)) : LATEST;
}

function bodyJson(body: Buffer): string {
  return isUtf8(body) ? JSON.stringify(body.toString()) : 'null';
}

/** A library's handlers and memory, as koffi reaches them. */
export class BoundLibrary {
  /** By index of PluginSource.symbols; each takes the text, the status and the exchange, and returns an address. */
  readonly handlers: readonly KoffiFunction[];
  private readonly free: KoffiFunction | null;
  private readonly system: System;
  readonly addressOf: (memory: unknown) => bigint;

  constructor(
    private readonly library: Library,
    private readonly source: PluginSource,
  ) {
    const { koffi, system } = useKoffi();
    this.system = system;
    this.addressOf = koffi.address;
    this.handlers = source.symbols.map((symbol) => library.bind(symbol, 'void *', ['void *', 'void *', 'void *'])!);
    this.free = library.bind('PluginFree', 'void', ['void *']);
  }

  /** @throws DlserveError REPLY_TOO_LARGE */
  copy(from: bigint, length: number, symbol: string): Buffer {
    if (length > MAX_REPLY) throw new DlserveError('REPLY_TOO_LARGE', { symbol, length, limit: MAX_REPLY });
    const copied = Buffer.allocUnsafe(length);
    if (length > 0) this.system.memcpy(copied, from, length);
    return copied;
  }

  /** @throws DlserveError REPLY_TOO_LARGE */
  copyString(from: bigint, symbol: string): Buffer {
    return this.copy(from, this.system.strlen(from), symbol);
  }

  /** Gives a block back to the library; one that has no PluginFree has only lent it. */
  release(pointer: bigint): void {
    this.free?.(pointer);
  }

  /**
   * Calls PluginInit, where the library has one.
   * @param run calls the function with its arguments, now or on another thread
   * @throws DlserveError INIT_FAILED
   */
  async init(run: (f: KoffiFunction, ...args: unknown[]) => unknown): Promise<void> {
    const init = this.library.bind('PluginInit', 'int', ['void *', 'void *']);
    if (init === null) return;
    const error = new BigUint64Array(1);
    const config = Buffer.from(`${JSON.stringify(this.source.settings.config)}\0`);
    const returned = (await run(init, config, error)) as number;
    const words = error[0] === 0n ? '' : this.copyString(error[0]!, 'PluginInit').toString();
    if (error[0] !== 0n) this.release(error[0]!);
    if (returned !== 0) throw this.library.initFailed(returned, words);
  }

  /** Calls PluginStop, where the library has one. */
  async stop(run: (f: KoffiFunction) => unknown): Promise<void> {
    const stop = this.library.bind('PluginStop', 'void', []);
    if (stop !== null) await run(stop);
  }
}
