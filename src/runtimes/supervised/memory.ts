import { processAddon } from './process-addon';

/**
 * Makes memory that other processes can map, and that none can shorten or lengthen.
 * @returns its descriptor; undefined where the addon or the system can't
 */
export function createMemory(name: string, size: number): number | undefined {
  const descriptor = processAddon()?.createMemory(name, size) ?? -1;
  return descriptor < 0 ? undefined : descriptor;
}
