import type { Dynamic } from './dynamic';
import { fileOffset, type Elf } from './headers';

/**
 * How many dynamic symbols there are, which stands nowhere but in the hash tables over them.
 * @throws Malformed
 */
export async function symbolCount(elf: Elf, { gnuHash, hash }: Dynamic): Promise<number> {
  if (gnuHash !== undefined) return countByGnuHash(elf, fileOffset(elf, gnuHash));
  if (hash === undefined) return 0;
  const at = fileOffset(elf, hash);
  const wide = hasWideHash(elf);
  const bytes = await elf.source.bytes(at, wide ? 16 : 8, elf.little);
  return wide ? bytes.u64(at + 8) : bytes.u32(at + 4);
}

/** On 64-bit s390 and Alpha the words of DT_HASH have 8 bytes. */
function hasWideHash({ machine, is64 }: Elf): boolean {
  return is64 && (machine === 22 || machine === 0x9026);
}

/** Bytes of a chain that are read at once. */
const WINDOW = 16_384;

/**
 * The last symbol is the end of the chain that begins last.
 * Format: https://sourceware.org/legacy-ml/binutils/2006-10/msg00377.html
 */
async function countByGnuHash({ source, is64, little }: Elf, at: number): Promise<number> {
  const header = await source.bytes(at, 16, little);
  const buckets = header.u32(at);
  const firstHashed = header.u32(at + 4);
  const start = at + 16 + header.u32(at + 8) * (is64 ? 8 : 4);
  const chains = start + 4 * buckets;
  const table = await source.bytes(start, 4 * buckets, little);
  let last = 0;
  for (let bucket = start; bucket < chains; bucket += 4) last = Math.max(last, table.u32(bucket));
  if (last < firstHashed) return firstHashed;
  for (let link = chains + 4 * (last - firstHashed); ;) {
    // At the end of the file one that is missing.
    const size = Math.max(4, Math.min(WINDOW, source.length - link));
    const window = await source.bytes(link, size, little);
    for (const end = link + size - 3; link < end; link += 4, last++) if ((window.u32(link) & 1) === 1) return last + 1;
  }
}
