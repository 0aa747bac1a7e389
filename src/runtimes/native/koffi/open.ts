import type { NativeSource } from '../keys';
import { LoadedLibrary } from '../loaded-library';
import { useKoffi } from './koffi';

/** RTLD_NOW, the same number on Linux and macOS: unresolved symbols fail the opening, not a call. */
export const RTLD_NOW = 2;

/**
 * Opens a library on this thread.
 * @param pin a handle of dlopen that holds it already
 * @throws DlserveError LOAD_FAILED
 */
export function openPinned(source: NativeSource, pin: bigint | null = null): LoadedLibrary {
  const library = LoadedLibrary.open(source);
  library.pin(pin ?? (useKoffi().system.dlopen(source.file.path, RTLD_NOW) as bigint | null));
  return library;
}
