import { DlserveError, messageOf } from '../ground/errors';
import type { Logger } from '../ground/log';
import type { BuildEvent, ToolchainOptions } from '../toolchain/toolchain';

/** What the host asks while sources are compiled: a plugin under construction is waited for. */
export interface Builds {
  /** @returns undefined where nothing is built under that name; rejects with BUILD_FAILED */
  wait(name: string): Promise<void> | undefined;
  /** Plugins whose source is being compiled, without a value, or has failed to be, with the reason. */
  unfinished(): ReadonlyMap<string, DlserveError | undefined>;
  /**
   * Looks at the sources again and builds what is stale. {@link wait} knows of it at once. Never rejects.
   * @param names the plugins to look at; by default all
   * @returns how each of those that have a source ended
   */
  rebuild(names?: readonly string[]): Promise<readonly BuildEvent[]>;
  /** Resolves when every source has been compiled, or has failed to. */
  readonly finished: Promise<void>;
  /** Ends every compiler that still runs. */
  stop(): Promise<void>;
}

/** Nothing is compiled: `build = false`. */
export const NO_BUILDS: Builds = {
  wait: () => undefined,
  unfinished: () => new Map(),
  rebuild: () => Promise.resolve([]),
  finished: Promise.resolve(),
  stop: () => Promise.resolve(),
};

/** A BUILD_FAILED that may tell clients what the compiler says. */
export class CompilerWords extends DlserveError {
  constructor(
    error: DlserveError,
    /** What the compiler has written; lines for people. */
    readonly output: string,
  ) {
    super(error.code, error.details, { cause: error.cause });
  }
}

/**
 * Starts compiling the sources of a pluginpath.
 * @param options.showsWords whether clients are shown what the compiler says
 */
export function startBuilds(options: ToolchainOptions & { readonly log: Logger; readonly showsWords?: boolean }): Builds {
  // Server processes compile nothing.
  const { Toolchain, ToolFailure } = require('../toolchain/toolchain') as typeof import('../toolchain/toolchain');
  const toolchain = new Toolchain(options);
  const withWords = (error: unknown): never => {
    if (!(error instanceof DlserveError)) throw error;
    const { cause } = error;
    throw new CompilerWords(error, cause instanceof ToolFailure && cause.output !== '' ? cause.output : error.message);
  };
  const tell = (error: unknown): void => options.log.error(messageOf(error));
  const finished = toolchain.build().then(() => undefined, tell);
  return {
    wait: (name) => (options.showsWords === true ? toolchain.wait(name)?.catch(withWords) : toolchain.wait(name)),
    unfinished: () => toolchain.unfinished,
    rebuild: (names) =>
      toolchain.rebuild(names).catch((error: unknown) => {
        tell(error);
        return [];
      }),
    finished,
    stop: () => toolchain.stop(),
  };
}

/** Builds of which there are none now: what compiles is loaded when something may have come to be compiled. */
export function lateBuilds(start: () => Builds): Builds {
  let started: Builds | undefined;
  return {
    wait: (name) => started?.wait(name),
    unfinished: () => started?.unfinished() ?? new Map(),
    rebuild: (names) => (started ??= start()).rebuild(names),
    finished: Promise.resolve(),
    stop: () => started?.stop() ?? Promise.resolve(),
  };
}
