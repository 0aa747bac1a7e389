import path from 'node:path';
import { isShortage } from '../ground/shortage';
import type { Libc } from './binary';
import { interpreterOf, libcOf } from './elf/libc';
import { Source } from './source';

/** What decides which libraries can be loaded here. */
export interface System {
  /** As process.platform. */
  readonly platform: NodeJS.Platform;
  /** As process.arch. */
  readonly arch: string;
  /** The C library of this process; undefined where that can't be told. */
  readonly libc: Libc | undefined;
  /** The path of the dynamic loader; undefined where there is none to be seen, as on macOS. */
  readonly loader: string | undefined;
}

let own: Promise<System> | undefined;

/**
 * The system that this process runs on.
 * @throws what the system says when it has no descriptor left with which to find out: the next time may find out
 */
export function thisSystem(): Promise<System> {
  own ??= look().catch((error: unknown) => {
    own = undefined;
    throw error;
  });
  return own;
}

async function look(): Promise<System> {
  const loader = await findLoader();
  return {
    platform: process.platform,
    arch: process.arch,
    libc: loader === undefined ? undefined : libcOf([path.basename(loader)]),
    loader,
  };
}

/** The loader that has loaded this process: the one that its program names. */
async function findLoader(): Promise<string | undefined> {
  try {
    const source = await Source.open(process.execPath);
    // A loader that was started by its name is itself the program: ld.so node.
    return await interpreterOf(source).then((loader) => loader ?? process.execPath).finally(() => source.close());
  } catch (error) {
    if (isShortage(error)) throw error;
    return undefined;
  }
}

/** Version of the glibc of this process, such as 2.36; undefined where it has another C library. It takes milliseconds to find out. */
export function glibcVersion(): string | undefined {
  // From Node.js 20.13 on.
  const report = process.report as typeof process.report & { excludeNetwork: boolean };
  const { excludeNetwork } = report;
  // The names of peers would be looked up.
  report.excludeNetwork = true;
  try {
    const { header } = report.getReport() as { header: { glibcVersionRuntime?: string } };
    return header.glibcVersionRuntime;
  } finally {
    report.excludeNetwork = excludeNetwork;
  }
}
