import { isElf } from './elf/elf';
import { readElfFunctions, type Functions } from './elf/functions';
import { Source } from './source';

export type { Functions };

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
