import path from 'node:path';
import type { Binary } from '../../binary/binary';
import { abiMisfit, handlersOf } from '../../binary/exports';
import { libraryEndings } from '../../binary/endings';
import { glibcMisfit, misfitOf } from '../../binary/fits';
import { ABI_OBJECT } from '../../binary/names';
import { glibcVersion, type System } from '../../binary/system';
import type { Handlers } from '../../plugin/handlers';
import { isFileName, pathOf, symbolOf } from '../../plugin/name';
import { ABI_EXPORTS } from './abi-exports';
import type { Needed } from './needed';

/** What `dlserve inspect --json` prints. */
export interface Findings {
  readonly file: string;
  readonly format: Binary['format'];
  readonly machine: string;
  readonly libc: Binary['libc'] | null;
  /** Whether this host can load it; where it can't, why. */
  readonly fits: boolean;
  readonly misfit: string | null;
  readonly handlers: readonly { method: string; func: string; symbol: string; url: string }[];
  readonly abi: readonly { symbol: string; state: 'found' | 'missing' | 'data' | 'function'; meaning: string }[];
  readonly go: boolean;
  readonly needed: readonly Needed[];
  /** What else keeps it from being served, or a handler from being called. */
  readonly problems: readonly string[];
}

/**
 * Puts together what is known of a library.
 * @param file its path
 * @param needed where the libraries that it needs are
 */
export function findingsOf(file: string, library: Binary, needed: readonly Needed[], system: System): Findings {
  const { name } = path.parse(file);
  const handlers = handlersOf(library);
  const misfit = misfitOf(library, system) ?? glibcMisfit(library, glibcVersion()) ?? null;
  const endpoints = handlers.funcs.flatMap((func) =>
    handlers.get(func)!.names.map((method) => ({ method, func, symbol: symbolOf(method, func), url: pathOf(name, func) })),
  );
  return {
    file,
    format: library.format,
    machine: library.machine,
    libc: library.libc ?? null,
    fits: misfit === null,
    misfit,
    handlers: endpoints.sort((a, b) => (a.url < b.url ? -1 : a.url > b.url ? 1 : a.method < b.method ? -1 : 1)),
    abi: ABI_EXPORTS.map(({ symbol, found, missing }) => {
      const kind = library.exports.get(symbol);
      if (kind === 'data' && symbol !== ABI_OBJECT) return { symbol, state: 'data', meaning: 'it is data and must be a function' };
      if (kind === 'function' && symbol === ABI_OBJECT) return { symbol, state: 'function', meaning: 'it is a function and must be an object' };
      return kind === undefined ? { symbol, state: 'missing', meaning: missing } : { symbol, state: 'found', meaning: found };
    }),
    go: library.go,
    needed,
    problems: problemsOf(file, library, handlers),
  };
}

/** In the words of the answers 404 and 500 that a server would give, where it gives any. */
function problemsOf(file: string, library: Binary, { symbols, lookalikes, declaresRoutes }: Handlers): string[] {
  const { name, ext } = path.parse(file);
  const problems = Array.from(lookalikes, ([symbol, why]) => `${symbol} ${why}`);
  const misfit = abiMisfit(library);
  if (misfit !== undefined) problems.push(misfit);
  if (symbols.length === 0 && !declaresRoutes) problems.push('it exports no handler: a handler is a function named like GETHelloHandler');
  if (!libraryEndings().includes(ext)) {
    problems.push(`in pluginpath it would not be found: its name must end in ${libraryEndings().join(' or ')}`);
  }
  if (!isFileName(name)) {
    problems.push(`${JSON.stringify(name)} can't be part of a URL: rename it to letters, digits, "_", "-", "."`);
  }
  return problems;
}
