import type { HostOptions } from './options';

/** A table of the configuration, without a prototype or with that of Object. */
export type Table = Readonly<Record<string, unknown>>;

/** Whether a value is a table: neither a list nor a date. */
export function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** The value at a path; undefined where there is none. Only own properties count. */
export function valueAt(table: Table, path: readonly string[]): unknown {
  let value: unknown = table;
  for (const name of path) {
    if (!isTable(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

/** A path as TOML writes it: plugin."my.lib".mode */
export function written(path: readonly string[]): string {
  return path.map((name) => (/^[\w-]+$/.test(name) ? name : JSON.stringify(name))).join('.');
}

/** Keys with values, and where each of them was written. */
export interface Document {
  /** How it is called in messages: "prest.toml". */
  readonly name: string;
  readonly table: Table;
  /** Where the value at a path was given: "prest.toml:4". */
  where(path: readonly string[]): string;
}

/** The document of nobody's wishes. */
export const EMPTY: Document = { name: '', table: {}, where: () => '' };

/** The options of an embedded host, which are shaped as the file is, but for its services. */
export function optionsDocument({ services: _services, ...table }: HostOptions): Document {
  return { name: 'options', table, where: () => 'options' };
}
