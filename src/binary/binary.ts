/** What an exported symbol is: only a function can be called. */
export type SymbolKind = 'function' | 'data';

/** Why dlsym does not find a function that is there. */
export type Hiding = 'hidden' | 'static';

/** A shared library as read from its file. */
export interface Binary {
  readonly format: 'elf' | 'mach-o';
  /** For example x86-64 or aarch64; of a fat file without a slice for this host, all of its machines. */
  readonly machine: string;
  /** Of the symbols that dlsym finds those that concern a plugin host, by the name that dlsym is given: see isOfInterest. */
  readonly exports: ReadonlyMap<string, SymbolKind>;
  /** Functions that dlsym does not find, named like a handler that is not exported; empty of a stripped file. */
  readonly unexported: ReadonlyMap<string, Hiding>;
  /** The libraries that it can't be loaded without, as it names them. */
  readonly needed: readonly string[];
  /** Where it wants them looked for: DT_RUNPATH, else DT_RPATH; LC_RPATH. $ORIGIN and @loader_path are not replaced. */
  readonly runpath: readonly string[];
  /** Whether what it needs looks there for its own needs too: so with DT_RPATH and LC_RPATH, not with DT_RUNPATH. */
  readonly runpathInherited: boolean;
  /** Whether the Go toolchain built it, so that it brings a Go runtime. */
  readonly go: boolean;
  /** The C library that it was linked against, where that can be told. */
  readonly libc: Libc | undefined;
  /** The oldest glibc that it can be loaded with, such as 2.34, where it says so. */
  readonly glibc: string | undefined;
}

export type Libc = 'glibc' | 'musl' | 'bionic' | 'libSystem';
