import { DlserveError } from '../ground/errors';
import type { Binary } from './binary';
import { Malformed } from './bytes';
import type { Which } from './names';
import { isElf, readElf } from './elf/elf';
import { formatOf } from './foreign';
import { isMachO, readMachO } from './macho/macho';
import { archMachine } from './machine';
import { Source } from './source';

/**
 * Reads which exports and machine a shared library has, without running any of it. It reads no more of the file than its
 * headers and tables, and of a hostile file no more than a small multiple of its size.
 * @param path the file; of a fat Mach-O file the slice of this host is read
 * @param file how the file is called in an error's message
 * @param which exports are wanted
 * @throws DlserveError BAD_LIBRARY for anything that is not a whole ELF or Mach-O shared library, and what the system says of a file that can't be read
 */
export async function readLibrary(path: string, file = 'the file', which: Which = 'interesting'): Promise<Binary> {
  return refusing(file, async () => {
    const source = await Source.open(path);
    try {
      return await read(source, which);
    } finally {
      await source.close();
    }
  });
}

/** The same for a library that is in memory. */
export async function readBinary(bytes: Buffer, file = 'the file'): Promise<Binary> {
  return refusing(file, () => read(Source.of(bytes), 'interesting'));
}

async function read(source: Source, which: Which): Promise<Binary> {
  const { head } = source;
  if (isElf(head)) return readElf(source, which);
  if (isMachO(head)) return readMachO(source, archMachine(process.arch), which);
  throw new Malformed(formatOf(head));
}

async function refusing<T>(file: string, reading: () => Promise<T>): Promise<T> {
  try {
    return await reading();
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new DlserveError('BAD_LIBRARY', { file, reason: error.message }, { cause: error });
  }
}
