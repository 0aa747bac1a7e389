import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/**
 * Makes an empty file without a name, which lasts as long as somebody holds it open: hand its descriptor to another process to share it.
 * @param purpose part of its name for as long as it has one
 * @returns its descriptor
 */
export function createUnnamedFile(purpose: string): number {
  const directory = mkdtempSync(path.join(tmpdir(), `dlserve-${purpose}-`));
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path.join(directory, 'page'), 'wx+', 0o600);
    rmSync(directory, { recursive: true });
    return descriptor;
  } catch (error) {
    if (descriptor !== undefined) closeSync(descriptor);
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}
