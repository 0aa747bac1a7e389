/** File endings under which a library is looked for on a platform, the preferred one first. */
export function libraryEndings(platform: NodeJS.Platform = process.platform): readonly string[] {
  return platform === 'darwin' ? ['.dylib', '.so'] : ['.so'];
}
