import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { DlserveError } from '../ground/errors';
import { checkNames, libraryExtensions, pathOf } from '../contract/name';
import { examine, locate } from './locate';

/** One library of pluginpath and what it answers, read without opening it. */
export interface Offer {
  /** The `{file}` of its routes. */
  readonly file: string;
  /** `GET /_PLUGIN/hello/Hello`, each as method and path. */
  readonly endpoints: readonly { readonly method: string; readonly path: string }[];
  /** Why it can't be served; the endpoints are then empty. */
  readonly error?: DlserveError;
}

/** Lists every library in `pluginpath`, in alphabetical order. A folder that is not there offers nothing. */
export async function listOffers(pluginpath: string): Promise<Offer[]> {
  const files = await readdir(pluginpath).catch(() => []);
  const libraries = files.filter((file) => !file.startsWith('.') && libraryExtensions().includes(path.extname(file)));
  const names = new Set(libraries.map((library) => path.parse(library).name));
  return Promise.all([...names].sort().map((file) => offer(pluginpath, file)));
}

async function offer(pluginpath: string, file: string): Promise<Offer> {
  try {
    checkNames(file, 'Any');
    const { byFunc } = await examine(await locate(pluginpath, file));
    const endpoints = [...byFunc].flatMap(([func, methods]) =>
      [...methods.keys()].map((method) => ({ method, path: pathOf(file, func) })),
    );
    endpoints.sort((a, b) => a.path.localeCompare(b.path) || a.method.localeCompare(b.method));
    return { file, endpoints };
  } catch (error) {
    return { file, endpoints: [], error: error as DlserveError };
  }
}
