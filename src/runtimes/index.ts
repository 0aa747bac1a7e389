import type { Mode, Runtime } from '../contract/runtime';

export { attachStatus, createStatusFile, readStatus, type Running } from './inprocess/status';

/**
 * The runtime of each mode, loaded when the first plugin asks for it.
 * @throws DlserveError RUNNER_MISSING for "process" where the native runner was not built
 */
const loaders: Record<Mode, () => Promise<Runtime>> = {
  thread: async () => (await import('./inprocess/index.js')).createThreadRuntime(),
  inline: async () => (await import('./inprocess/index.js')).createInlineRuntime(),
  process: async () => (await import('./isolated/index.js')).createIsolatedRuntime(),
};

/** Gives each mode's one runtime. */
export class Runtimes {
  readonly #loaded = new Map<Mode, Promise<Runtime>>();

  get(mode: Mode): Promise<Runtime> {
    let runtime = this.#loaded.get(mode);
    if (runtime === undefined) {
      runtime = loaders[mode]();
      this.#loaded.set(mode, runtime);
    }
    return runtime;
  }
}
