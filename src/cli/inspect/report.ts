import path from 'node:path';
import { handlersOf, machineFits, type Library } from '../../contract/library';
import { isFileName, libraryExtensions, METHODS, pathOf } from '../../contract/name';
import { ABI_EXPORTS } from './abi-exports';
import type { Needed } from './needed';

/** What `dlserve inspect --json` prints. */
export interface Report {
  readonly file: string;
  readonly format: Library['format'];
  readonly machine: string;
  readonly libc: Library['libc'] | null;
  /** Whether this host can load it; where it can't, why. */
  readonly fits: boolean;
  readonly misfit: string | null;
  readonly handlers: readonly { method: string; func: string; symbol: string; url: string }[];
  readonly abi: readonly { symbol: string; state: 'found' | 'missing' | 'data'; meaning: string }[];
  readonly go: boolean;
  readonly needed: readonly Needed[];
  /** What else keeps it from being served, or a handler from being called. */
  readonly problems: readonly string[];
}

/** Puts together what is known of a library. */
export function makeReport(file: string, library: Library, needed: readonly Needed[]): Report {
  const { name, ext } = path.parse(file);
  const { byFunc, data } = handlersOf(library);
  const misfit = machineFits(library, process.platform, process.arch) ?? null;
  const handlers = [...byFunc].flatMap(([func, methods]) =>
    [...methods].map(([method, symbol]) => ({ method, func, symbol, url: pathOf(name, func) })),
  );
  handlers.sort((a, b) => (a.url < b.url ? -1 : a.url > b.url ? 1 : a.method < b.method ? -1 : 1));
  const problems = data.map(
    (symbol) => `${symbol} is named like a handler and is data, not a function: it is not served`,
  );
  if (handlers.length === 0) problems.push('it exports no handler: a handler is a function named like GETHelloHandler');
  for (const [symbol, plain] of mangled(library)) {
    problems.push(`${symbol} is ${plain} with a C++ name: declare it extern "C"`);
  }
  if (!libraryExtensions().includes(ext)) {
    problems.push(`in pluginpath it would not be found: its name must end in ${libraryExtensions().join(' or ')}`);
  }
  if (!isFileName(name))
    problems.push(`${JSON.stringify(name)} can't be part of a URL: rename it to letters, digits, "_", "-", "."`);
  return {
    file,
    format: library.format,
    machine: library.machine,
    libc: library.libc ?? null,
    fits: misfit === null,
    misfit,
    handlers,
    abi: ABI_EXPORTS.map(({ symbol, found, missing }) => {
      const kind = library.exports.get(symbol);
      if (kind === 'data') return { symbol, state: 'data', meaning: 'it is data and must be a function' };
      return kind === undefined
        ? { symbol, state: 'missing', meaning: missing }
        : { symbol, state: 'found', meaning: found };
    }),
    go: library.go,
    needed,
    problems,
  };
}

/** Itanium C++ names of plain functions: _Z, the length of the name, the name, the types of the parameters. */
const MANGLED = new RegExp(`^_Z\\d+((?:${METHODS.join('|')})\\w+?Handler)`);

function* mangled(library: Library): Generator<[string, string]> {
  for (const symbol of library.exports.keys()) {
    const match = MANGLED.exec(symbol);
    if (match) yield [symbol, match[1]!];
  }
}
