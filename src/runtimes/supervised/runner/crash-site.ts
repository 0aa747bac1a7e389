import type { CrashSite, Frame } from '../crash-site';
import type { Handlers } from '../../../plugin/handlers';
import type { Culprit } from '../worker';
import type { Ledger } from './ledger';
import { CrashKind, MOST_FRAMES, MOST_MODULES, SharedLayout } from './protocol';

/** What a runner has said of its own end. All of it may have been written by its library. */
export interface CrashWords {
  /** See CrashKind; 0: it has said nothing. */
  readonly kind: number;
  /** What the thread executed by which it ended; 0: no call. */
  readonly call: number;
  /** Of that call's handler. */
  readonly symbol: number;
  readonly site: CrashSite;
}

/** Offsets in the crash, and its size without the frames. */
const SIGNAL = 4;
const SYMBOL = 8;
const COUNT = 12;
const CALL = 16;
const ADDRESS = 24;
const FRAMES = 32;

/** Of one file in memory. */
const MODULE = 64;
const NAME = 24;

/**
 * Reads what {@link Shared.crash} gives.
 * @param library what the library is called
 * @returns null where the runner has said nothing
 */
export function readCrash(bytes: Buffer, library: string): CrashWords | null {
  const kind = bytes.readUInt32LE(0);
  if (kind < CrashKind.SIGNAL || kind > CrashKind.HANG) return null;
  const modules = readModules(bytes.subarray(SharedLayout.MODULES - SharedLayout.CRASH), library);
  const count = Math.min(bytes.readUInt32LE(COUNT), MOST_FRAMES);
  const frames = Array.from({ length: count }, (_, i) => place(bytes.readBigUInt64LE(FRAMES + 8 * i), modules));
  const address = kind === CrashKind.SIGNAL ? `0x${bytes.readBigUInt64LE(ADDRESS).toString(16)}` : undefined;
  return {
    kind,
    call: Number(bytes.readBigUInt64LE(CALL)),
    symbol: bytes.readUInt32LE(SYMBOL),
    site: { signal: bytes.readUInt32LE(SIGNAL), address, frames },
  };
}

/**
 * Whose thread has said so.
 * @param begun calls that had begun: no other can have been it
 */
export function culpritOf({ kind, call, symbol }: CrashWords, begun: number, calls: Ledger, { symbols }: Handlers): Culprit | 'elsewhere' | null {
  if (kind === CrashKind.SENT) return 'elsewhere';
  if (call === 0 || call > begun || symbol >= symbols.length) return null;
  const exchange = calls.get(call);
  return { handler: exchange?.handler.index ?? symbol, call: exchange };
}

interface Module {
  readonly bias: bigint;
  readonly start: bigint;
  readonly end: bigint;
  readonly name: string;
  readonly isLibrary: boolean;
}

function readModules(bytes: Buffer, library: string): Module[] {
  const count = Math.min(bytes.readUInt32LE(0), MOST_MODULES);
  return Array.from({ length: count }, (_, i) => {
    const at = 8 + i * MODULE;
    const text = bytes.toString('utf8', at + NAME, at + MODULE);
    return {
      bias: bytes.readBigUInt64LE(at),
      start: bytes.readBigUInt64LE(at + 8),
      end: bytes.readBigUInt64LE(at + 16),
      name: i === 0 ? library : text.slice(0, text.indexOf('\0')),
      isLibrary: i === 0,
    };
  });
}

function place(address: bigint, modules: readonly Module[]): Frame {
  const module = modules.find(({ start, end }) => start <= address && address < end);
  if (module === undefined) return { offset: Number(address), module: undefined, isLibrary: false };
  return { offset: Number(address - module.bias), module: module.name, isLibrary: module.isLibrary };
}
