import type { Libc } from '../binary';
import type { Source } from '../source';
import { PT_INTERP, readHeader, readSegments } from './headers';

/** Names of the parts of each C library, its loader's among them. */
const PARTS: readonly (readonly [RegExp, Libc])[] = [
  [/^(libc|libm)\.so\.6|^libpthread\.so\.0|^libdl\.so\.2|^librt\.so\.1|^ld-linux|^ld64\.so|^ld\.so\.1/, 'glibc'],
  [/^libc\.musl-|^ld-musl-|^libc\.so$/, 'musl'],
  [/^linker(64)?$/, 'bionic'],
];

/** The C library that files of these names belong to. Android's has a name of musl's too: its libraries have a note besides. */
export function libcOf(names: readonly string[]): Libc | undefined {
  return PARTS.find(([pattern]) => names.some((name) => pattern.test(name)))?.[1];
}

/** The longest path. */
const MAX_PATH = 4096;

/**
 * The path of the loader that a program asks for.
 * @returns undefined where it needs none
 * @throws Malformed
 */
export async function interpreterOf(source: Source): Promise<string | undefined> {
  const header = await readHeader(source);
  const segment = (await readSegments(source, header)).find(({ type }) => type === PT_INTERP);
  if (segment === undefined) return undefined;
  const size = Math.min(segment.size, MAX_PATH);
  return (await source.bytes(segment.offset, size, header.little)).field(segment.offset, size);
}
