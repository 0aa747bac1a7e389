import { isElf } from './elf/elf';
import { readElfFunctions } from './elf/functions';
import { Source } from './source';

/** The functions of a library. */
export interface Functions {
  /** The one that this address of the file belongs to, as far as the symbols tell, and where it begins. */
  at(address: number): { readonly name: string; readonly start: number } | undefined;
}

/** Reads the functions of a library. null where they can't be had: it serves reports of faults, and never fails one. */
export async function readFunctions(path: string): Promise<Functions | null> {
  try {
    const source = await Source.open(path);
    try {
      return isElf(source.head) ? await readElfFunctions(source) : null;
    } finally {
      await source.close();
    }
  } catch {
    return null;
  }
}
