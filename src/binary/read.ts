import { DlserveError } from '../ground/errors';
import type { Binary } from './binary';
import { Malformed } from './bytes';
import { isElf, readElf } from './elf/elf';
import { formatOf } from './foreign';
import { isMachO, readMachO } from './macho/macho';
import { archMachine } from './machine';

/**
 * Reads which exports and machine a shared library has, without running any of it.
 * @param bytes the whole file; of a fat Mach-O file the slice of this host is read
 * @param file how the file is called in an error's message
 * @throws DlserveError BAD_LIBRARY for anything that is not a whole ELF or Mach-O shared library
 */
export function readBinary(bytes: Buffer, file = 'the file'): Binary {
  try {
    if (isElf(bytes)) return readElf(bytes);
    if (isMachO(bytes)) return readMachO(bytes, archMachine(process.arch));
    throw new Malformed(formatOf(bytes));
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new DlserveError('BAD_LIBRARY', { file, reason: error.message }, { cause: error });
  }
}
