import { distance } from 'fastest-levenshtein';

/**
 * The one of the names that was probably meant; undefined where none is near enough.
 * @param farFrom how far a name is from what was given, in letters to change; unless given, regardless of case
 */
export function nearest(
  given: string,
  names: Iterable<string>,
  farFrom = (name: string): number => distance(given.toLowerCase(), name.toLowerCase()),
): string | undefined {
  let found: string | undefined;
  let least = Math.max(2, Math.floor(given.length / 4)) + 1;
  for (const name of names) {
    const far = farFrom(name);
    if (far < least) [found, least] = [name, far];
  }
  return found;
}
