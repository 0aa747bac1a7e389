import { METHODS, parseSymbol } from '../plugin/name';
import type { Hiding } from './binary';

/** Something in a library that its author may take for a handler. */
export interface Lookalike {
  /** The symbol that it would have to have. */
  readonly symbol: string;
  /** What it is instead and the mend, as the end of a sentence that begins with the symbol. */
  readonly why: string;
}

/** How a function is there. */
export interface Found {
  /** Its symbol, as the library has it. */
  readonly name: string;
  /** Why dlsym does not find it by that; undefined where it does. */
  readonly hiding?: Hiding | undefined;
  /** Whether the Go toolchain built the library. */
  readonly go: boolean;
}

/** Whether a function that is no handler is meant to be one. */
export function lookalikeOf(found: Found): Lookalike | undefined {
  const { name, hiding } = found;
  if (parseSymbol(name) !== undefined) return hiding && { symbol: name, why: HIDDEN[hiding] };
  const symbol = inPackage(name) ?? mangled(name);
  return symbol === undefined ? undefined : { symbol, why: `is there with ${mendOf(found, symbol)}` };
}

const HIDDEN: Readonly<Record<Hiding, string>> = {
  hidden: 'is hidden: put DLSERVE_EXPORT before it',
  static: 'is static: put DLSERVE_EXPORT in place of static',
};

/** Go and Zig put the package before a name: main.GETHelloHandler. */
function inPackage(name: string): string | undefined {
  const symbol = name.slice(name.lastIndexOf('.') + 1);
  return symbol.length < name.length && parseSymbol(symbol) !== undefined ? symbol : undefined;
}

const METHOD = new RegExp(METHODS.join('|'), 'g');

/** C++, Rust, D and Swift put its length before a name: _Z15GETHelloHandlerPKc, _RNvCs4fqI2P2rA04_5hello15GETHelloHandler. */
function mangled(name: string): string | undefined {
  for (const { index } of name.matchAll(METHOD)) {
    // What stands before the length may end in a digit itself, as an unnamed namespace does: _ZN12_GLOBAL__N_115GETHelloHandlerEv.
    for (const digits of [1, 2, 3]) {
      const length = name.slice(Math.max(0, index - digits), index);
      const symbol = name.slice(index, index + Number(length));
      if (/^[1-9]\d*$/.test(length) && parseSymbol(symbol) !== undefined) return symbol;
    }
  }
  return undefined;
}

const RUST = /^_R|17h[0-9a-f]{16}E$/;

function mendOf({ name, hiding, go }: Found, symbol: string): string {
  if (go && inPackage(name) !== undefined) return `a Go name only (${name}): write //export ${symbol} above it`;
  if (RUST.test(name)) return `a Rust name only (${name}): write #[no_mangle] pub extern "C" before it`;
  if (!name.startsWith('_Z')) return `another name only (${name}): export it by its plain name`;
  const exported = name.startsWith('_ZL') ? 'put DLSERVE_EXPORT in place of static' : 'put DLSERVE_EXPORT before it';
  // DLSERVE_EXPORT has extern "C" in it.
  const mend = hiding === undefined ? 'declare it extern "C"' : exported;
  return `a C++ name only (${name}): ${mend}${name.startsWith('_ZN') ? ', outside of any class and unnamed namespace' : ''}`;
}
