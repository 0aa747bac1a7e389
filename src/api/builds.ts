import type { Logger } from '../ground/log';
import type { Config } from '../config/load';
import { NO_BUILDS, startBuilds, type Builds } from '../host/builds';
import { endpointUnsupported } from '../http/platform';
import type { ToolchainOptions } from '../toolchain/toolchain';

/**
 * Starts compiling the sources that a configuration asks for.
 * @param onProgress told how each source fares
 * @param more.quiet whether that is shown, so that the log need not tell what goes well
 * @param more.showsWords whether clients are shown what the compiler says
 */
export function buildsOf(
  config: Config,
  log: Logger,
  onProgress?: ToolchainOptions['onProgress'],
  more: { readonly quiet?: boolean; readonly showsWords?: boolean } = {},
): Builds {
  if (!config.build || endpointUnsupported() !== undefined) return NO_BUILDS;
  const { pluginpath, buildLimits: limits } = config;
  return startBuilds({ pluginpath, flags: (name) => config.compile(name), limits, log, onProgress, ...more });
}
