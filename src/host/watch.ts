import type { FSWatcher } from 'chokidar';
import path from 'node:path';
import { messageOf } from '../ground/errors';
import type { Logger } from '../ground/log';
import { ENDINGS } from '../runtimes/registry';
import { recordedInputs, stampedNames } from '../toolchain/stamp';
import { sourceFolder } from '../toolchain/sources';
import type { Builds } from './builds';
import { Changes, type Target } from './changes';
import { watchLinks, type Links } from './links';

export type { Target } from './changes';

export interface WatchOptions {
  /** Absolute. */
  readonly pluginpath: string;
  /** Where sources are built; with NO_BUILDS libraries alone are watched. */
  readonly builds: Builds;
  /** Who is told. */
  readonly target: Target;
  readonly log: Logger;
  /** Whether to look every half second instead of being told by the system: for file systems that tell nothing. */
  readonly polling?: boolean;
}

export interface Watching {
  /** Resolves when every change from then on is seen. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

/** Milliseconds between two looks where the system tells nothing. */
const INTERVAL = 500;

/** What the system answers when it has no more watches, or no more instances of inotify. */
const EXHAUSTED = new Set(['ENOSPC', 'EMFILE']);

const ADVICE = 'raise fs.inotify.max_user_watches and fs.inotify.max_user_instances (sysctl) to be told of changes at once';

/** Watches a pluginpath: what was saved is built, and what was built or copied there is handed on once it is settled. */
export function watchPlugins(options: WatchOptions): Watching {
  const { pluginpath, builds, log } = options;
  const src = sourceFolder(pluginpath);
  const changes = new Changes(options, () => void watchInputs());
  /** What sources are made of besides what is in `src`. */
  const inputs = new Set<string>();
  let watcher: FSWatcher | undefined;
  let isClosed = false;

  const isIgnored = (file: string, stats?: { isFile(): boolean }): boolean => {
    const relative = path.relative(pluginpath, file);
    if (relative === '' || inputs.has(file) || relative.startsWith('..')) return false;
    if (relative.split(path.sep).some((name) => name.startsWith('.'))) return true;
    if (isWithin(src, file)) return false;
    return stats !== undefined && !(stats.isFile() && isLibrary(file));
  };

  const start = (usePolling: boolean): Promise<void> =>
    new Promise((resolve) => {
      const { watch } = require('chokidar') as typeof import('chokidar');
      const started = watch([pluginpath, src, ...inputs], {
        ignored: isIgnored,
        ignoreInitial: true,
        ignorePermissionErrors: true,
        // Settling is our own, and a file that is replaced is no file that is gone.
        atomic: false,
        usePolling,
        interval: INTERVAL,
        binaryInterval: INTERVAL,
      });
      watcher = started;
      started.on('all', (event, file) => {
        if (isClosed) return;
        // It was not there, or is another one.
        if (event === 'addDir' && file === pluginpath) {
          void links.close();
          links = followLinks();
        }
        if (path.dirname(file) === pluginpath && isLibrary(file)) changes.library(path.parse(file).name);
        else if (file !== pluginpath && file !== src) changes.source(file);
      });
      started.on('error', (error) => {
        if (isClosed || watcher !== started) return;
        const code = (error as NodeJS.ErrnoException).code ?? '';
        if (usePolling || !EXHAUSTED.has(code)) {
          log.warn(`watching ${pluginpath}: ${messageOf(error)}`);
          return;
        }
        log.warn(`the system has no watches left (${code}), so dlserve looks for changes every ${INTERVAL} ms: ${ADVICE}`);
        watcher = undefined;
        void started.close();
        void start(true).then(resolve);
      });
      started.on('ready', resolve);
    });

  const watchInputs = async (): Promise<void> => {
    const names = await stampedNames(pluginpath);
    const all = (await Promise.all(names.map((name) => recordedInputs(pluginpath, name)))).flat();
    const added = [...new Set(all)].filter((file) => !isWithin(src, file) && !inputs.has(file) && path.extname(file) !== '');
    for (const file of added) inputs.add(file);
    if (added.length > 0 && !isClosed) watcher?.add(added);
  };

  const followLinks = (): Links =>
    watchLinks(pluginpath, options.polling === true ? INTERVAL : undefined, (name) => {
      if (!isClosed) changes.library(name);
    });
  let links = followLinks();
  const ready = Promise.all([start(options.polling ?? false), links.ready, changes.ready]).then(() => undefined);
  void builds.finished.then(watchInputs);
  return {
    ready,
    async close() {
      isClosed = true;
      changes.close();
      await Promise.all([watcher?.close(), links.close()]);
    },
  };
}

function isLibrary(file: string): boolean {
  return ENDINGS.includes(path.extname(file));
}

function isWithin(folder: string, file: string): boolean {
  return file === folder || file.startsWith(folder + path.sep);
}
