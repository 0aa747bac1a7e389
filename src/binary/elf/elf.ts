import { Malformed } from '../bytes';
import { readDynamic, type Dynamic } from './dynamic';
import { IS_PROGRAM, PT_INTERP, PT_NOTE, readHeaders, sectionNames, type Elf } from './headers';
import { readExports } from './symbols';
import { elfMachine } from '../machine';
import type { Binary } from '../binary';

/** Whether the file begins as an ELF file does. */
export function isElf(buffer: Buffer): boolean {
  return buffer.length >= 4 && buffer.readUInt32BE(0) === 0x7f45_4c46;
}

/**
 * Reads an ELF shared library by what the dynamic loader itself goes by, program headers and the dynamic segment, so that
 * a library without section headers is read as well. Format: https://gabi.xinuos.com
 * @throws Malformed
 */
export function readElf(buffer: Buffer): Binary {
  const elf = readHeaders(buffer);
  const dynamic = readDynamic(elf);
  if (isProgram(elf, dynamic)) throw new Malformed(IS_PROGRAM);
  const notes = noteNames(elf);
  return {
    format: 'elf',
    machine: elfMachine(elf.machine, elf.is64, elf.little),
    exports: readExports(elf, dynamic),
    needed: dynamic.needed,
    runpath: dynamic.runpath,
    runpathInherited: dynamic.runpathInherited,
    go: notes.has('Go') || hasGoSection(elf),
    libc: libcOf(dynamic, notes),
  };
}

const DF_1_PIE = 0x0800_0000;

/** A position-independent program has a library's type. Linkers flag it, or at least write DT_DEBUG to programs only. */
function isProgram({ segments }: Elf, { flags, debug }: Dynamic): boolean {
  return (flags & DF_1_PIE) !== 0 || (debug && segments.some(({ type }) => type === PT_INTERP));
}

/** Who wrote the file's notes: "Go", "GNU", "Android". */
function noteNames({ bytes, segments }: Elf): Set<string> {
  const names = new Set<string>();
  for (const { type, offset, size } of segments) {
    if (type !== PT_NOTE) continue;
    bytes.need(offset, size);
    for (let at = offset; at + 12 <= offset + size;) {
      const nameSize = bytes.u32(at);
      const contentSize = bytes.u32(at + 4);
      if (at + 12 + nameSize + contentSize > offset + size) break;
      names.add(bytes.field(at + 12, nameSize));
      at += 12 + aligned(nameSize) + aligned(contentSize);
    }
  }
  return names;
}

function aligned(size: number): number {
  return Math.ceil(size / 4) * 4;
}

/** Where its note was stripped, a Go library still has the section with its build information. */
function hasGoSection(elf: Elf): boolean {
  for (const name of sectionNames(elf)) if (name === '.go.buildinfo' || name === '.note.go.buildid') return true;
  return false;
}

function libcOf({ needed }: Dynamic, notes: ReadonlySet<string>): Binary['libc'] {
  if (notes.has('Android')) return 'bionic';
  if (needed.some((name) => /^libc\.so\.6|^ld-linux|^ld64\.so/.test(name))) return 'glibc';
  if (needed.some((name) => /^libc\.musl-|^ld-musl-|^libc\.so$/.test(name))) return 'musl';
  return undefined;
}
