/** First bytes of what people take for a library, and the sentence that says what it is. */
const STARTS: readonly (readonly [string, string])[] = [
  ['!<arch>\n', 'it is a static archive (.a), its objects must be linked into a shared library: cc -shared'],
  ['!<thin>\n', 'it is a static archive (.a), its objects must be linked into a shared library: cc -shared'],
  ['MZ', 'it is a Windows library or program'],
  ['\0asm', 'it is WebAssembly'],
  ['BC\xc0\xde', 'it is LLVM bitcode, which must be compiled: cc -shared'],
  ['#!', 'it is a script'],
  ['version https://git-lfs', 'it is a Git LFS pointer: git lfs pull fetches the file itself'],
  ['PK\x03\x04', 'it is a zip archive'],
  ['\x1f\x8b', 'it is compressed with gzip'],
  ['\xca\xfe\xba\xbe', 'it is a Java class'],
];

/**
 * Says what a file is that is neither ELF nor Mach-O, as the end of "the file is not a library: ...".
 * @param bytes its beginning
 */
export function formatOf(bytes: Buffer): string {
  if (bytes.length === 0) return 'it is empty';
  const start = bytes.toString('latin1', 0, 512);
  for (const [magic, sentence] of STARTS) if (start.startsWith(magic)) return sentence;
  // eslint-disable-next-line no-control-regex -- control characters are what text has none of
  if (!/[\x00-\x08\x0e-\x1a\x1c-\x1f]/.test(start)) return 'it is text';
  return 'it is neither ELF (Linux) nor Mach-O (macOS)';
}
