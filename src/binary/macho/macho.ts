import { Bytes, Malformed } from '../bytes';
import { readHeaders } from './headers';
import { readExports } from './symbols';
import { machOMachine } from '../machine';
import type { Binary } from '../binary';

const THIN = new Set([0xfeed_face, 0xfeed_facf, 0xcefa_edfe, 0xcffa_edfe]);
const FAT = 0xcafe_babe;
const FAT_64 = 0xcafe_babf;
/** A Java class has the same magic number, followed by its version, which is at least this. */
const JAVA = 43;

/** Whether the file begins as a Mach-O file does, thin or fat. */
export function isMachO(buffer: Buffer): boolean {
  return buffer.length >= 4 && (THIN.has(buffer.readUInt32BE(0)) || isFat(buffer));
}

function isFat(buffer: Buffer): boolean {
  if (buffer.length < 8) return false;
  const magic = buffer.readUInt32BE(0);
  return (magic === FAT || magic === FAT_64) && buffer.readUInt32BE(4) < JAVA;
}

/**
 * Reads a Mach-O shared library.
 * @param machine which slice of a fat file is wanted; without it the first is read, under the names of all
 * @throws Malformed
 */
export function readMachO(buffer: Buffer, machine: string): Binary {
  if (!isFat(buffer)) return readThin(buffer);
  const slices = readFat(buffer);
  for (const slice of slices) if (slice.machine === machine) return readThin(slice.buffer);
  return { ...readThin(slices[0]!.buffer), machine: slices.map((slice) => slice.machine).join(' and ') };
}

function readThin(buffer: Buffer): Binary {
  if (buffer.length < 4 || !THIN.has(buffer.readUInt32BE(0))) throw new Malformed('a part of it is not Mach-O');
  const macho = readHeaders(buffer);
  return {
    format: 'mach-o',
    machine: machOMachine(macho.cpu, macho.subtype),
    exports: readExports(macho),
    needed: macho.needed,
    runpath: macho.runpath,
    runpathInherited: true,
    go: macho.sections.some(({ name }) => name === '__go_buildinfo'),
    libc: macho.needed.some((name) => name.startsWith('/usr/lib/libSystem.')) ? 'libSystem' : undefined,
  };
}

/** <mach-o/fat.h>; always big-endian. */
function readFat(buffer: Buffer): { machine: string; buffer: Buffer }[] {
  const bytes = new Bytes(buffer, false);
  const is64 = bytes.u32(0) === FAT_64;
  const count = bytes.u32(4);
  if (count === 0) throw new Malformed('it is a fat Mach-O file with nothing in it');
  const slices = [];
  for (let i = 0; i < count; i++) {
    const at = 8 + i * (is64 ? 32 : 20);
    slices.push({
      machine: machOMachine(bytes.u32(at), bytes.u32(at + 4)),
      buffer: bytes.slice(bytes.word(at + 8, is64), bytes.word(at + (is64 ? 16 : 12), is64)),
    });
  }
  return slices;
}
