import { openLimit, type Plugin, type PluginSource, type Runtime } from '../../contract/runtime';
import { checkRunner } from './install';
import { IsolatedPlugin } from './pool';

export { checkRunner };

export interface IsolatedOptions {
  /** Path of the runner; the installed one unless given. */
  readonly runner?: string;
  /** Milliseconds, in place of the contract's. */
  readonly openLimit?: number;
}

/**
 * Mode "process": each library lives in processes of its own.
 * @throws DlserveError RUNNER_MISSING
 */
export function createIsolatedRuntime(options: IsolatedOptions = {}): Runtime {
  const runner = options.runner ?? checkRunner();
  return {
    async open(source: PluginSource): Promise<Plugin> {
      const plugin = new IsolatedPlugin(runner, source, options.openLimit ?? openLimit(source.settings));
      await plugin.open();
      return plugin;
    },
  };
}
