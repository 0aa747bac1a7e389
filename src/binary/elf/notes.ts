import { PT_NOTE, type Elf } from './headers';

/** Bytes. The notes of a library have some hundred. */
const MAX_NOTES = 65_536;

/** Who wrote the file's notes: "Go", "GNU", "Android". */
export async function noteNames({ source, segments, little }: Elf): Promise<Set<string>> {
  const names = new Set<string>();
  let left = MAX_NOTES;
  for (const { type, offset, size } of segments) {
    if (type !== PT_NOTE) continue;
    source.need(offset, size);
    const end = offset + Math.min(size, left);
    left -= end - offset;
    const bytes = await source.bytes(offset, end - offset, little);
    for (let at = offset; at + 12 <= end;) {
      const nameSize = bytes.u32(at);
      const contentSize = bytes.u32(at + 4);
      if (at + 12 + nameSize + contentSize > end) break;
      names.add(bytes.field(at + 12, nameSize));
      at += 12 + aligned(nameSize) + aligned(contentSize);
    }
  }
  return names;
}

function aligned(size: number): number {
  return Math.ceil(size / 4) * 4;
}
