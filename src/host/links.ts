import type { FSWatcher, Matcher } from 'chokidar';
import { realpathSync } from 'node:fs';
import path from 'node:path';
import { ENDINGS } from '../runtimes/registry';
import { listNames } from './find';

export interface Links {
  /** Resolves when every change from then on is seen. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

/**
 * Watches the libraries of a pluginpath that are symbolic links: each may be led elsewhere, and what stands where it leads may be
 * replaced. Whoever follows links hears of neither.
 * @param changed told the names of plugins
 */
export function watchLinks(pluginpath: string, interval: number | undefined, changed: (name: string) => void): Links {
  const { watch } = require('chokidar') as typeof import('chokidar');
  const folder = real(pluginpath) ?? pluginpath;
  /** Which plugins lead where. */
  const led = new Map<string, string[]>();
  const ignored: Matcher = (file, stats) => file !== folder && !led.has(file) && stats !== undefined && !(stats.isSymbolicLink() && isOne(file));
  const options = { followSymlinks: false, ignoreInitial: true, ignorePermissionErrors: true, atomic: false, depth: 0, usePolling: interval !== undefined, ...(interval !== undefined && { interval, binaryInterval: interval }) };
  const watcher: FSWatcher = watch(folder, { ...options, ignored });

  const follow = async (): Promise<void> => {
    const names = await listNames(folder, ENDINGS);
    led.clear();
    for (const base of names.flatMap((name) => ENDINGS.map((ending) => name + ending))) {
      const place = path.join(folder, base);
      const target = real(place);
      if (target !== undefined && target !== place) led.set(target, [...(led.get(target) ?? []), path.parse(base).name]);
    }
    watcher.add([...led.keys()]);
  };
  watcher.on('all', (_event, file) => {
    if (path.dirname(file) === folder && isOne(file)) changed(path.parse(file).name);
    for (const name of led.get(file) ?? []) changed(name);
    void follow();
  });
  // The watcher of the pluginpath itself meets the same, and says so.
  watcher.on('error', () => undefined);
  const ready = new Promise<void>((resolve) => watcher.on('ready', resolve)).then(follow);
  return { ready, close: () => watcher.close() };
}

/** Where a file really is; undefined where it is not there. */
function real(file: string): string | undefined {
  try {
    return realpathSync(file);
  } catch {
    return undefined;
  }
}

function isOne(file: string): boolean {
  return ENDINGS.includes(path.extname(file));
}
