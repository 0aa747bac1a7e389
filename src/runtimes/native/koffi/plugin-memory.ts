import { MAX_REPLY } from '../../../plugin/reply';
import { useKoffi, type KoffiFunction, type System } from './koffi';
import type { LoadedLibrary } from '../loaded-library';
import { tooLarge } from '../refusals';

/** Copies what a library gives, and gives it back. */
export class PluginMemory {
  readonly #system: System;
  readonly #free: KoffiFunction | null;

  constructor(library: LoadedLibrary) {
    this.#system = useKoffi().system;
    this.#free = library.bind('PluginFree', 'void', ['void *']);
  }

  /**
   * @param symbol for the error's message
   * @throws DlserveError REPLY_TOO_LARGE
   */
  copy(from: bigint, length: number, symbol: string): Buffer {
    if (length > MAX_REPLY) throw tooLarge(symbol, length);
    const copied = Buffer.allocUnsafe(length);
    if (length > 0) this.#system.memcpy(copied, from, length);
    return copied;
  }

  /** What stands before the NUL. */
  copyString(from: bigint, symbol: string): Buffer {
    return this.copy(from, this.#system.strlen(from), symbol);
  }

  /** Gives a block back; a library that has no PluginFree has only lent it. */
  release(pointer: bigint): void {
    this.#free?.(pointer);
  }
}
