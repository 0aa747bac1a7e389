import type { Binary } from '../binary';
import { leniently, Malformed } from '../bytes';
import { elfMachine } from '../machine';
import { Allowance } from '../name-table';
import type { Which } from '../names';
import type { Source } from '../source';
import { readDynamic, type Dynamic } from './dynamic';
import { PT_INTERP, PT_LOAD, readHeader, readSegments, type Elf } from './headers';
import { libcOf } from './libc';
import { noteNames } from './notes';
import { hasGoSection, readSections } from './sections';
import { readExports } from './symbols';
import { readUnexported } from './unexported';
import { glibcNeeded } from './versions';

/** Whether the file begins as an ELF file does. */
export function isElf(head: Buffer): boolean {
  return head.length >= 4 && head.readUInt32BE(0) === 0x7f45_4c46;
}

const IS_PROGRAM = 'it is a program, not a shared library: link it with -shared (Go: -buildmode=c-shared)';

/** e_type other than ET_DYN. */
const NOT_SHARED: Readonly<Record<number, string>> = {
  1: 'it is an object file (.o), which must be linked into a shared library: cc -shared',
  2: IS_PROGRAM,
  4: 'it is a core dump',
};
const ET_DYN = 3;

/**
 * Reads an ELF shared library by what the dynamic loader itself goes by, program headers and the dynamic segment, so that
 * a library without section headers is read as well. Format: https://gabi.xinuos.com
 * @throws Malformed
 */
export async function readElf(source: Source, which: Which): Promise<Binary> {
  const elf = await readLibrary(source);
  const allowance = new Allowance(source.length);
  const dynamic = await readDynamic(elf, allowance);
  if (isProgram(elf, dynamic)) throw new Malformed(IS_PROGRAM);
  const exports = await readExports(elf, dynamic, allowance, which);
  const notes = await noteNames(elf);
  const glibc = await glibcNeeded(elf, dynamic);
  const sections = await readSections(elf);
  return {
    format: 'elf',
    machine: elfMachine(elf.machine, elf.is64, elf.little),
    exports,
    unexported: await leniently(readUnexported(elf, sections, exports), new Map()),
    needed: dynamic.needed,
    runpath: dynamic.runpath,
    runpathInherited: dynamic.runpathInherited,
    go: notes.has('Go') || (await leniently(hasGoSection(elf, sections), false)),
    libc: notes.has('Android') ? 'bionic' : libcOf(dynamic.needed),
    glibc,
  };
}

/** @throws Malformed where the file is no shared library, or where a part that is mapped at load is missing */
async function readLibrary(source: Source): Promise<Elf> {
  const header = await readHeader(source);
  const { type, sectionHeaders } = header;
  if (type !== ET_DYN) throw new Malformed(NOT_SHARED[type] ?? `its ELF type is ${type}, a shared library has ${ET_DYN}`);
  // Linkers write the section headers last, so this is where a file that was cut short shows first.
  source.need(sectionHeaders.offset, sectionHeaders.count * sectionHeaders.size);
  const segments = await readSegments(source, header);
  for (const segment of segments) {
    // A library that is loaded although its file is too short crashes the process at the first missing page.
    if (segment.type === PT_LOAD) source.need(segment.offset, segment.size);
  }
  return { ...header, source, segments };
}

const DF_1_PIE = 0x0800_0000;

/** A position-independent program has a library's type. Linkers flag it, or at least write DT_DEBUG to programs only. */
function isProgram({ segments }: Elf, { flags, debug }: Dynamic): boolean {
  return (flags & DF_1_PIE) !== 0 || (debug && segments.some(({ type }) => type === PT_INTERP));
}
