import { isDeepStrictEqual } from 'node:util';
import { AskError } from '../ask-error';
import { Expiry } from './expiry';
import type { Operation } from './operation';

/** How much a plugin may keep. */
export interface StateLimits {
  /** Entries. */
  readonly keys: number;
  /** Bytes of a value, as JSON. */
  readonly valuelimit: number;
  /** Bytes of all keys and values. */
  readonly limit: number;
}

/** What is kept under a key. */
export interface Entry {
  /** JSON; not "null". */
  readonly value: string;
  /** In milliseconds since 1970; Infinity for ever. */
  readonly expiresAt: number;
}

/** Told of each entry that changes; undefined where there is none any more. */
export type OnChange = (key: string, entry: Entry | undefined) => void;

const NONE = 'null';

/** The state of one plugin. Each operation is done at once, and so is never in the midst of another. */
export class Table {
  readonly #entries = new Map<string, Entry>();
  readonly #expiry = new Expiry();
  #bytes = 0;

  constructor(
    private readonly plugin: string,
    private readonly limits: StateLimits,
    private readonly onChange: OnChange,
  ) {}

  /** Takes over an entry that was kept elsewhere, whatever the limits are now. */
  load(key: string, entry: Entry): void {
    this.#entries.set(key, entry);
    this.#bytes += bytesOf(key, entry.value);
    if (entry.expiresAt !== Infinity) this.#expiry.add(key, entry.expiresAt);
  }

  /**
   * @param now in milliseconds since 1970
   * @returns the answer, as JSON
   * @throws AskError STATE_FULL, STATE_NUMBER
   */
  apply(operation: Operation, now: number): string {
    for (const key of this.#expiry.take(now)) this.#remove(key);
    const { key } = operation;
    let entry = this.#entries.get(key);
    if (entry !== undefined && entry.expiresAt <= now) entry = undefined;
    const current = entry?.value ?? NONE;
    switch (operation.op) {
      case 'get':
        return current;
      case 'delete':
        this.#remove(key);
        return String(entry !== undefined);
      case 'set':
        this.#set(key, operation.value, endOf(operation.ttl, now));
        return NONE;
      case 'increment': {
        const sum = add(key, current, operation.by);
        this.#set(key, sum, entry?.expiresAt ?? endOf(operation.ttl, now));
        return sum;
      }
      case 'compare-and-set': {
        const done = isSame(current, operation.old);
        if (done) this.#set(key, operation.value, endOf(operation.ttl, now));
        return `{"done":${done},"value":${done ? operation.value : current}}`;
      }
    }
  }

  #set(key: string, value: string, expiresAt: number): void {
    if (value === NONE) {
      this.#remove(key);
      return;
    }
    const before = this.#entries.get(key);
    const bytes = this.#bytes + bytesOf(key, value) - (before === undefined ? 0 : bytesOf(key, before.value));
    this.#checkRoom(value, before === undefined, bytes);
    const entry = { value, expiresAt };
    if (before !== undefined && before.expiresAt !== Infinity) this.#expiry.remove(key, before.expiresAt);
    if (expiresAt !== Infinity) this.#expiry.add(key, expiresAt);
    this.#entries.set(key, entry);
    this.#bytes = bytes;
    this.onChange(key, entry);
  }

  #checkRoom(value: string, isNew: boolean, bytes: number): void {
    const { keys, valuelimit, limit } = this.limits;
    const refuse = (reason: string): never => {
      throw AskError.of('STATE_FULL', { plugin: this.plugin, reason });
    };
    if (Buffer.byteLength(value) > valuelimit) refuse(`a value may have ${valuelimit} bytes (state.valuelimit)`);
    if (isNew && this.#entries.size >= keys) refuse(`it has ${keys} entries already (state.keys)`);
    if (bytes > limit && bytes > this.#bytes) refuse(`all of it may have ${limit} bytes (state.limit)`);
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= bytesOf(key, entry.value);
    if (entry.expiresAt !== Infinity) this.#expiry.remove(key, entry.expiresAt);
    this.onChange(key, undefined);
  }
}

function bytesOf(key: string, value: string): number {
  return Buffer.byteLength(key) + Buffer.byteLength(value);
}

function endOf(ttl: number | undefined, now: number): number {
  return ttl === undefined ? Infinity : now + ttl;
}

/** Whether two values are the same, in whatever order the keys of their objects are. */
function isSame(one: string, other: string): boolean {
  return one === other || isDeepStrictEqual(JSON.parse(one), JSON.parse(other));
}

/** @throws AskError STATE_NUMBER for what is no number, or would not stay exact */
function add(key: string, current: string, by: number): string {
  const before = current === NONE ? 0 : (JSON.parse(current) as unknown);
  const refuse = (reason: string): never => {
    throw AskError.of('STATE_NUMBER', { key: JSON.stringify(key), reason });
  };
  if (typeof before !== 'number') return refuse('its value is no number');
  const sum = before + by;
  const isWhole = Number.isInteger(before) && Number.isInteger(by);
  if (!Number.isFinite(sum) || (isWhole && !Number.isSafeInteger(sum))) return refuse('the sum would not be exact, for it is beyond 2^53');
  return JSON.stringify(sum);
}
