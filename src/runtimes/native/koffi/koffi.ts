import type * as Koffi from 'koffi' with { 'resolution-mode': 'import' };
import { DlserveError, messageOf } from '../../../ground/errors';

export type KoffiModule = typeof Koffi;
export type LibraryHandle = Koffi.LibraryHandle;
export type KoffiFunction = ReturnType<LibraryHandle['func']>;

/** Stacks on which koffi runs handlers: memory is taken only as far as it is touched. */
const STACK = 8 * 1024 * 1024;

/** koffi's arguments here are numbers and addresses; it wants a heap for each call all the same. */
const HEAP = 64 * 1024;

/** Functions of the C library that the runtimes need, bound by koffi. */
export interface System {
  /** Bytes before the NUL at an address. */
  strlen(at: bigint): number;
  memcpy(to: Buffer, from: bigint, length: number): void;
  /** Opens a library, or holds it once more; null on failure. */
  dlopen: KoffiFunction;
  dlclose(handle: bigint): number;
  /** Ends the process without waiting for any thread. */
  exit(code: number): void;
}

let loaded: { koffi: KoffiModule; system: System } | undefined;

/**
 * koffi, loaded on first use because not every server needs it, and configured before it opens anything.
 * @throws DlserveError UNSUPPORTED_PLATFORM where koffi has no build for this machine
 */
export function useKoffi(): { koffi: KoffiModule; system: System } {
  if (loaded === undefined) {
    if (process.platform === 'win32') {
      throw new DlserveError('UNSUPPORTED_PLATFORM', { reason: 'plugins run on Linux and macOS, not on Windows' });
    }
    const koffi = requireKoffi();
    configure(koffi);
    loaded = { koffi, system: bindSystem(koffi) };
  }
  return loaded;
}

function requireKoffi(): KoffiModule {
  try {
    return require('koffi') as KoffiModule;
  } catch (cause) {
    const reason = `koffi, which opens libraries, does not load on this machine: ${messageOf(cause)}`;
    throw new DlserveError('UNSUPPORTED_PLATFORM', { reason }, { cause });
  }
}

function configure(koffi: KoffiModule): void {
  const settings = { sync_stack_size: STACK, async_stack_size: STACK, async_heap_size: HEAP, max_async_calls: 4096 };
  const before: Record<string, number | undefined> = { ...koffi.config() };
  if (Object.entries(settings).every(([key, value]) => before[key] === value)) return;
  try {
    koffi.config({ ...koffi.config(), ...settings });
  } catch {
    // An embedding application has opened a library through koffi already; its sizes stand.
  }
}

function bindSystem(koffi: KoffiModule): System {
  const libc = koffi.load(null);
  return {
    strlen: libc.func('strlen', 'size_t', ['void *']) as System['strlen'],
    memcpy: libc.func('memcpy', 'void', ['void *', 'void *', 'size_t']) as System['memcpy'],
    dlopen: libc.func('dlopen', 'void *', ['str', 'int']) ,
    dlclose: libc.func('dlclose', 'int', ['void *']) as System['dlclose'],
    exit: libc.func('_exit', 'void', ['int']) as System['exit'],
  };
}
