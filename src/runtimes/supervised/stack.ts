import type { Functions } from '../../binary/functions';
import type { CrashSite, Frame } from './crash-site';

/** The program that calls handlers: what is outside of that is nobody's concern. */
const RUNNER = 'runner';

/**
 * A stack in words, the innermost function first: `GETCrashHandler+0x14 (hello.so)`.
 * @param functions those of the library; null where they are not known
 */
export function describeStack({ frames }: CrashSite, functions: Functions | null): string[] {
  const outside = frames.findIndex(({ module }, i) => i > 0 && module === RUNNER);
  return frames.slice(0, outside === -1 ? undefined : outside).map((frame, i) => describe(frame, i, functions));
}

function describe({ offset, module, isLibrary }: Frame, depth: number, functions: Functions | null): string {
  if (module === undefined) return hex(offset);
  // One that was left by a call is known by the byte before that to which it returns, which may belong to the next one already.
  const found = isLibrary ? functions?.at(depth === 0 ? offset : offset - 1) : undefined;
  return found === undefined ? `${module}+${hex(offset)}` : `${found.name}+${hex(offset - found.start)} (${module})`;
}

function hex(number: number): string {
  return `0x${number.toString(16)}`;
}
