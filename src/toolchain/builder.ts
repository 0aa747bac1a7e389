import path from 'node:path';
import { packageRoot } from '../ground/package';
import type { Limits } from './run';
import type { Pace, Work } from './jobs';
import type { Source } from './sources';
import type { Plan } from './stamp';
import type { Tool, Tools } from './tools';

/** More arguments of one plugin, from its configuration. */
export interface Flags {
  /** For each compilation. */
  readonly cflags: readonly string[];
  /** For linking. */
  readonly ldflags: readonly string[];
}

export const NO_FLAGS: Flags = { cflags: [], ldflags: [] };

/** What every build needs. */
export interface Means {
  readonly pluginpath: string;
  readonly env: NodeJS.ProcessEnv;
  readonly tools: Tools;
  /** Ends all builds. */
  readonly signal: AbortSignal;
  /** Of every compiler that runs. */
  readonly limits: Limits;
}

/** One build. */
export interface Job extends Means {
  /** Every compiler runs in it. */
  readonly work: Work;
  readonly source: Source;
  readonly flags: Flags;
  /** A folder of its own, gone after the build. */
  readonly workplace: string;
  /** Where the library is to be put: a file of the workplace. */
  readonly library: string;
}

export interface Built {
  /** Absolute paths of the files that went in besides those of the plan, and of folders where another one would go in too. */
  readonly inputs: readonly string[];
  readonly tools: readonly Tool[];
  /** What the compilers said although they had no error. */
  readonly output: string;
  /** What the author of the source should know. */
  readonly warnings: readonly string[];
  /** Whether the warnings say that there is no handler. */
  readonly saysNone: boolean;
}

/** How the sources of some languages become a library. */
export interface Builder {
  readonly pace: Pace;
  /** The compilers without which there is no use in beginning. */
  needs(source: Source, env: NodeJS.ProcessEnv): readonly string[];
  /** Quick: it is asked at every start, and starts nothing. */
  plan(source: Source, flags: Flags, env: NodeJS.ProcessEnv): Promise<Plan>;
  /** @throws ToolFailure with the compiler's words, or MissingTool */
  build(job: Job): Promise<Built>;
}

/** The folder of dlserve.h. */
export const INCLUDE = path.join(packageRoot, 'native/include');
export const HEADER = path.join(INCLUDE, 'dlserve.h');
/** The Go program that makes handlers written for prestd callable from C. */
export const GO_WRAPPER = path.join(packageRoot, 'native/go/wrap');
