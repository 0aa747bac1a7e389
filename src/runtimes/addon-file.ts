import { existsSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from '../ground/errors';
import { packageRoot } from '../ground/package';
import { isShortage } from '../ground/shortage';

const file = path.join(packageRoot, 'build/Release/addon.node');

let loaded: object | string | undefined;

/**
 * Loads the native addon on first use. What is in it is for those to say who use it.
 * @returns the reason where it can't be used
 * @throws what the system says when it is short of something: then it is tried again the next time
 */
export function loadAddonFile(): object | string {
  loaded ??= load();
  return loaded;
}

function load(): object | string {
  if (!existsSync(file)) return 'it was not built';
  try {
    return require(file) as object;
  } catch (error) {
    if (isShortage(error)) throw error;
    return messageOf(error);
  }
}
