import type { Plugin, PluginSource, Runtime } from '../../contract/runtime';
import { checkRunner } from './install';
import { IsolatedPlugin } from './pool';

export { checkRunner };

export interface IsolatedOptions {
  /** Path of the runner; the installed one unless given. */
  readonly runner?: string;
  /** Milliseconds that loading and PluginInit may take; at least the plugin's timeout, and 10 s, unless given. */
  readonly openLimit?: number;
}

const LEAST_OPEN_LIMIT = 10_000;

/**
 * Mode "process": each library lives in processes of its own.
 * @throws DlserveError RUNNER_MISSING
 */
export function createIsolatedRuntime(options: IsolatedOptions = {}): Runtime {
  const runner = options.runner ?? checkRunner();
  return {
    async open(source: PluginSource): Promise<Plugin> {
      const plugin = new IsolatedPlugin(runner, source, options.openLimit ?? Math.max(LEAST_OPEN_LIMIT, source.settings.timeout));
      await plugin.open();
      return plugin;
    },
  };
}
