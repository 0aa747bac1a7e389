import { messageOf, type DlserveError } from '../ground/errors';
import type { Logger } from '../ground/log';
import { Toolchain, type ToolchainOptions } from '../toolchain/toolchain';

/** What the host asks while sources are compiled: a plugin under construction is waited for. */
export interface Builds {
  /** @returns undefined where nothing is built under that name; rejects with BUILD_FAILED */
  wait(name: string): Promise<void> | undefined;
  /** Plugins whose source is being compiled, without a value, or has failed to be, with the reason. */
  unfinished(): ReadonlyMap<string, DlserveError | undefined>;
  /** Resolves when every source has been compiled, or has failed to. */
  readonly finished: Promise<void>;
  /** Looks at the sources again, and compiles those that have changed. */
  rebuild?(): Promise<void>;
  /** Ends every compiler that still runs. */
  stop(): Promise<void>;
}

/** Nothing is compiled: `build = false`. */
export const NO_BUILDS: Builds = {
  wait: () => undefined,
  unfinished: () => new Map(),
  finished: Promise.resolve(),
  stop: () => Promise.resolve(),
};

/** Starts compiling the sources of a pluginpath. */
export function startBuilds(options: ToolchainOptions & { readonly log: Logger }): Builds {
  const toolchain = new Toolchain(options);
  const finished = toolchain.build().then(
    () => undefined,
    (error: unknown) => options.log.error(messageOf(error)),
  );
  return {
    wait: (name) => toolchain.wait(name),
    unfinished: () => toolchain.unfinished,
    finished,
    stop: () => toolchain.stop(),
  };
}
