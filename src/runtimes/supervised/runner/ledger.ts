import type { Exchange } from '../../../plugin/exchange';
import { OpenCalls } from './open-calls';

/** The calls that one runner was given, by the ids under which it knows them. */
export class Ledger {
  /** Ids count from 1. */
  lastId = 0;
  /** Bytes of requests that may still be on their way. */
  bytes = 0;
  /** Not answered. */
  private readonly calls = new OpenCalls<Exchange>();
  /** Those of them that have had their time. */
  private readonly overdue = new Set<Exchange>();
  /** Those of them whose bodies are not on their way. */
  private readonly short = new Set<Exchange>();
  /** Calls whose handlers have returned and whose replies go on: they hold no thread. By either. */
  private readonly kept = new Map<number, Exchange>();
  private readonly keptIds = new Map<Exchange, number>();
  /** Calls that nobody waits for and that will be skipped, with their bytes. */
  private readonly cancelled = new Map<number, number>();

  /** Calls that somebody waits for, or that hold a thread. */
  get size(): number {
    return this.calls.size;
  }

  /** Calls of which the runner has still to say something. */
  get unanswered(): number {
    return this.calls.size + this.cancelled.size;
  }

  /** Whether none of them has time left. */
  get isAllOverdue(): boolean {
    return this.calls.size === this.overdue.size;
  }

  /** Calls that go on although their handlers have returned. */
  get keptSize(): number {
    return this.kept.size;
  }

  /** The id of the one of them that came first; 0 where there is none. */
  get firstOverdue(): number {
    const ids = Array.from(this.overdue, (call) => this.calls.idOf(call));
    return ids.length === 0 ? 0 : Math.min(...ids);
  }

  /** The first of the calls that nobody waits for and that will be skipped; Infinity where there is none. */
  get oldestCancelled(): number {
    let oldest = Infinity;
    for (const id of this.cancelled.keys()) oldest = Math.min(oldest, id);
    return oldest;
  }

  /**
   * Enters a call and returns its id.
   * @param isShort its body is where the runner reads it already
   */
  add(call: Exchange, isShort = false): number {
    const id = ++this.lastId;
    this.calls.add(id, call);
    if (isShort) this.short.add(call);
    this.bytes += this.bytesOf(call);
    return id;
  }

  has(id: number): boolean {
    return this.calls.get(id) !== undefined;
  }

  /** The handler of a call has returned, and its reply goes on. @returns false where that can't be */
  keep(id: number): boolean {
    const call = this.calls.get(id);
    if (call === undefined) return false;
    this.strike(id, call);
    this.kept.set(id, call);
    this.keptIds.set(call, id);
    return true;
  }

  isKept(id: number): boolean {
    return this.kept.has(id);
  }

  isOverdue(call: Exchange): boolean {
    return this.overdue.has(call);
  }

  /** Whether the runner has still to answer. */
  isOpen(id: number): boolean {
    return this.calls.get(id) !== undefined || this.cancelled.has(id);
  }

  /** Whether anybody waits for the answer. */
  isAwaited(id: number): boolean {
    return this.calls.get(id)?.isSettled === false;
  }

  /** The call's id; 0 when it is not here. */
  find(call: Exchange): number {
    return this.calls.idOf(call) || (this.keptIds.get(call) ?? 0);
  }

  /** The call with this id, where it is not answered. */
  get(id: number): Exchange | undefined {
    return this.calls.get(id);
  }

  /** The calls beyond this id that somebody waits for, in order. */
  after(begun: number): [id: number, call: Exchange][] {
    return this.calls.inOrder().filter(([id, call]) => id > begun && !this.overdue.has(call));
  }

  /** The runner has answered: strikes the call and returns it; null for one that was cancelled, undefined for one unknown. */
  settle(id: number): Exchange | null | undefined {
    const call = this.calls.get(id);
    if (call !== undefined) {
      this.strike(id, call);
      return call;
    }
    const kept = this.kept.get(id);
    if (kept !== undefined) {
      this.kept.delete(id);
      this.keptIds.delete(kept);
      return kept;
    }
    const bytes = this.cancelled.get(id);
    if (bytes === undefined) return undefined;
    this.cancelled.delete(id);
    this.bytes -= bytes;
    return null;
  }

  /** The call has not begun, and the runner will skip it. */
  cancel(id: number): void {
    const call = this.calls.get(id)!;
    this.cancelled.set(id, this.bytesOf(call));
    this.calls.delete(id);
    if (this.short.size > 0) this.short.delete(call);
  }

  /** The call has been in its handler for longer than it may. */
  markOverdue(id: number): void {
    this.overdue.add(this.calls.get(id)!);
  }

  /** Strikes the calls that have not begun, and returns those that have time left, in order. */
  takeWaiting(begun: number): Exchange[] {
    const waiting: Exchange[] = [];
    for (const [id, call] of this.calls.inOrder()) {
      if (id <= begun) continue;
      if (!this.overdue.has(call)) waiting.push(call);
      this.strike(id, call);
    }
    return waiting;
  }

  /** What is left when there will be no more answers: calls that have time left, those that have not, and those that were kept. */
  left(): { executing: Exchange[]; expired: Exchange[]; kept: Exchange[] } {
    const executing = this.calls.inOrder().flatMap(([, call]) => (this.overdue.has(call) ? [] : [call]));
    return { executing, expired: [...this.overdue], kept: [...this.kept.values()] };
  }

  private strike(id: number, call: Exchange): void {
    this.calls.delete(id);
    this.bytes -= this.bytesOf(call);
    if (this.short.size > 0) this.short.delete(call);
    if (this.overdue.size > 0) this.overdue.delete(call);
  }

  private bytesOf(call: Exchange): number {
    return call.text.length + (this.short.size > 0 && this.short.has(call) ? 0 : call.bodyLength);
  }
}
