import type { Binary } from '../binary';
import { Malformed } from '../bytes';
import { machOMachine } from '../machine';
import { Allowance } from '../name-table';
import type { Which } from '../names';
import type { Source } from '../source';
import { readHeaders } from './headers';
import { readSymbols } from './symbols';

const THIN = new Set([0xfeed_face, 0xfeed_facf, 0xcefa_edfe, 0xcffa_edfe]);
const FAT = 0xcafe_babe;
const FAT_64 = 0xcafe_babf;
/** A Java class has the same magic number, followed by its version, which is at least this. */
const JAVA = 43;

/** Whether the file begins as a Mach-O file does, thin or fat. */
export function isMachO(head: Buffer): boolean {
  return isThin(head) || isFat(head);
}

function isThin(head: Buffer): boolean {
  return head.length >= 4 && THIN.has(head.readUInt32BE(0));
}

function isFat(head: Buffer): boolean {
  if (head.length < 8) return false;
  const magic = head.readUInt32BE(0);
  return (magic === FAT || magic === FAT_64) && head.readUInt32BE(4) < JAVA;
}

/**
 * Reads a Mach-O shared library.
 * @param machine which slice of a fat file is wanted; without it the first is read, under the names of all
 * @throws Malformed
 */
export async function readMachO(source: Source, machine: string, which: Which): Promise<Binary> {
  if (!isFat(source.head)) return readThin(source, which);
  const slices = await readFat(source);
  const own = slices.find((slice) => slice.machine === machine);
  const { offset, length } = own ?? slices[0]!;
  const library = await readThin(await source.slice(offset, length), which);
  return own === undefined ? { ...library, machine: slices.map((slice) => slice.machine).join(' and ') } : library;
}

/** <mach-o/fat.h>; always big-endian. */
async function readFat(source: Source): Promise<{ machine: string; offset: number; length: number }[]> {
  const is64 = source.head.readUInt32BE(0) === FAT_64;
  const count = source.head.readUInt32BE(4);
  if (count === 0) throw new Malformed('it is a fat Mach-O file with nothing in it');
  const size = is64 ? 32 : 20;
  const bytes = await source.bytes(8, count * size, false);
  return Array.from({ length: count }, (_, i) => {
    const at = 8 + i * size;
    const offset = bytes.word(at + 8, is64);
    const length = bytes.word(at + (is64 ? 16 : 12), is64);
    source.need(offset, length);
    return { machine: machOMachine(bytes.u32(at), bytes.u32(at + 4)), offset, length };
  });
}

async function readThin(source: Source, which: Which): Promise<Binary> {
  if (!isThin(source.head)) throw new Malformed('a part of it is not Mach-O');
  const macho = await readHeaders(source);
  const allowance = new Allowance(source.length);
  return {
    format: 'mach-o',
    machine: machOMachine(macho.cpu, macho.subtype),
    ...(await readSymbols(macho, allowance, which)),
    needed: macho.needed,
    runpath: macho.runpath,
    runpathInherited: true,
    go: macho.sections.some(({ name }) => name === '__go_buildinfo'),
    libc: macho.needed.some((name) => name.startsWith('/usr/lib/libSystem.')) ? 'libSystem' : undefined,
    glibc: undefined,
  };
}
