import type { Exchange } from '../../../plugin/exchange';
import { BodyMode } from '../../../plugin/handlers';
import { MAX_REPLY, type RawReply } from '../../../plugin/reply';
import { bodyText } from '../../../plugin/request';
import { useKoffi } from './koffi';
import type { PluginMemory } from './plugin-memory';
import { tooLarge } from '../refusals';

/** Without native parts of its own the host has no functions that a plugin could call. */
export const KOFFI_ABI = 1;

/** struct dlserve_exchange of native/include/dlserve.h up to the end of that ABI, as 64-bit machines lay it out: where its fields are, in words of 8 bytes. */
export const EXCHANGE = {
  WORDS: 7,
  REQUEST_BODY: 1,
  REQUEST_BODY_LENGTH: 2,
  DEADLINE: 3,
  REPLY_BODY: 4,
  REPLY_BODY_LENGTH: 5,
  REPLY_HEADERS: 6,
} as const;
const { WORDS, REQUEST_BODY, REQUEST_BODY_LENGTH, DEADLINE, REPLY_BODY, REPLY_BODY_LENGTH, REPLY_HEADERS } = EXCHANGE;

/** The int behind the exchange. */
const STATUS = WORDS * 2;

const LATEST = 2n ** 63n - 1n;

/** The memory through which koffi calls one handler at a time: the exchange, and the status behind it. */
export class Invocation {
  readonly #words = new BigUint64Array(WORDS + 1);
  readonly #ints = new Int32Array(this.#words.buffer);
  readonly #addressOf = useKoffi().koffi.address;
  readonly #exchange = this.#addressOf(this.#words);
  readonly #status = this.#exchange + BigInt(WORDS * 8);

  constructor(private readonly memory: PluginMemory) {}

  /** Returns a handler's arguments. They, and the call, must outlive the handler's run. */
  begin({ handler, text, body, limits }: Exchange): [request: Buffer, status: bigint, exchange: bigint] {
    const hasBytes = body !== null && body.length > 0;
    this.#ints[0] = WORDS * 8;
    this.#ints[1] = KOFFI_ABI;
    this.#words[REQUEST_BODY] = hasBytes ? this.#addressOf(body) : 0n;
    this.#words[REQUEST_BODY_LENGTH] = hasBytes ? BigInt(body.length) : 0n;
    this.#words[DEADLINE] = unixMilliseconds(limits.end);
    this.#words.fill(0n, REPLY_BODY, WORDS);
    this.#ints[STATUS] = -1;
    const whole = body === null || handler.body !== BodyMode.TEXT ? text : text + bodyText(body);
    return [Buffer.from(`${whole}\0`), this.#status, this.#exchange];
  }

  /**
   * Copies what the handler gave and gives it back to the library, each block once.
   * @param string what the handler returned
   * @param symbol for the error's message
   * @throws DlserveError REPLY_TOO_LARGE
   */
  end(string: bigint | null, symbol: string): RawReply {
    const bytes = this.#words[REPLY_BODY]!;
    const headers = this.#words[REPLY_HEADERS]!;
    try {
      let body: Buffer | null = null;
      if (bytes !== 0n) body = this.memory.copy(bytes, Number(this.#words[REPLY_BODY_LENGTH]), symbol);
      else if (string !== null) body = this.memory.copyString(string, symbol);
      const lines = headers === 0n ? null : this.memory.copyString(headers, symbol).toString('latin1');
      const size = (body?.length ?? 0) + (lines?.length ?? 0);
      if (size > MAX_REPLY) throw tooLarge(symbol, size);
      return { status: this.#ints[STATUS]!, body, headers: lines };
    } finally {
      if (string !== null) this.memory.release(string);
      if (bytes !== 0n && bytes !== string) this.memory.release(bytes);
      if (headers !== 0n && headers !== string && headers !== bytes) this.memory.release(headers);
    }
  }
}

/** Of a time of performance.now(). */
function unixMilliseconds(time: number): bigint {
  const at = Date.now() + time - performance.now();
  return at < Number.MAX_SAFE_INTEGER ? BigInt(Math.round(at)) : LATEST;
}
