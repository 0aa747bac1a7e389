import type { Type } from './value-types';

/** One key of the configuration. */
export interface Key<T = unknown> {
  /** Where it stands in prest.toml: "http.port". */
  readonly path: string;
  readonly type: Type<T>;
  /** As prest.toml would have it; undefined where a key that is not given means something of its own. */
  readonly default: unknown;
  /** Its environment variable. */
  readonly env: string;
  /** One that is not dlserve's alone: it counts where neither that variable nor the flag is given. */
  readonly commonEnv?: string;
  /** The command-line flag, without dashes, and the word for its value, of keys that have one. */
  readonly flag?: { readonly name: string; readonly value: string };
  /** What it does, in one line. */
  readonly doc: string;
}

/** Keys by the names under which a program finds their values. */
export type Keys = Readonly<Record<string, Key>>;

/** The values of keys. */
export type Values<K extends Keys> = { readonly [N in keyof K]: K[N] extends Key<infer T> ? T : never };

/** Declares a key. */
export function key<T>(path: string, type: Type<T>, given: unknown, doc: string, flag?: Key['flag']): Key<T> {
  const env = `PREST_${path.toUpperCase().replaceAll('.', '_')}`;
  return { path, type, default: given, env, doc, ...(flag && { flag }) };
}

/** The name of a plugin's key in its section: "timeout". */
export function shortName(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}
