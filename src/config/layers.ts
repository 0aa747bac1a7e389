import { DlserveError } from '../ground/errors';
import type { Key } from '../ground/key';
import { describe, Unfit } from '../ground/value-types';
import { isTable, valueAt, written, type Document } from './document';

/** The places a value can come from, strongest last: default, document, environment variable, flag. */
export class Layers {
  constructor(
    readonly document: Document,
    private readonly env: NodeJS.ProcessEnv,
    private readonly flags: Readonly<Record<string, string | undefined>>,
  ) {}

  /**
   * The value of a key. A wrong value is an error even where a stronger source has a right one. An empty environment
   * variable counts as none.
   * @throws DlserveError BAD_CONFIG, which names the place of the wrong value
   */
  read<T>(key: Key<T>): T {
    let value = this.readDocument(key, key.path.split('.')) ?? key.type.fromValue(key.default);
    const variable = this.#variable(key);
    if (variable !== undefined) value = attempt(variable, key.path, () => key.type.fromText(this.env[variable]!));
    const flag = this.#flag(key);
    if (flag !== undefined) value = attempt(`--${key.flag!.name}`, key.path, () => key.type.fromText(flag));
    return value;
  }

  /**
   * Where a key is given.
   * @returns undefined where its default holds
   */
  whereGiven(key: Key): string | undefined {
    const path = key.path.split('.');
    if (this.#flag(key) !== undefined) return `--${key.flag!.name}`;
    return this.#variable(key) ?? (valueAt(this.document.table, path) === undefined ? undefined : this.document.where(path));
  }

  #flag({ flag }: Key): string | undefined {
    return flag && this.flags[camelCase(flag.name)];
  }

  /** The name of the variable that gives a key. */
  #variable(key: Key): string | undefined {
    if (this.env[key.env]) return key.env;
    return key.commonEnv !== undefined && this.env[key.commonEnv] && this.#flag(key) === undefined ? key.commonEnv : undefined;
  }

  /** The value of a key at some path of the document alone. */
  readDocument<T>(key: Key<T>, path: readonly string[]): T | undefined {
    const value = valueAt(this.document.table, path);
    if (value === undefined) return undefined;
    return this.attempt(path, () => key.type.fromValue(value));
  }

  /** Runs a check of what stands at a path of the document. */
  attempt<T>(path: readonly string[], check: () => T): T {
    return attempt(() => this.document.where(path), written(path), check);
  }

  /** Makes sure that what stands at a path, if anything does, is a table. */
  checkTable(path: readonly string[]): void {
    const value = valueAt(this.document.table, path);
    if (value === undefined || isTable(value)) return;
    this.attempt(path, () => {
      throw new Unfit(`a table, not ${describe(value)}: write [${written(path)}], and its keys below`);
    });
  }
}

function attempt<T>(where: string | (() => string), path: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    const place = typeof where === 'string' ? where : where();
    throw new DlserveError('BAD_CONFIG', { reason: `${place}: ${path} must be ${error.message}` }, { cause: error });
  }
}

function camelCase(flag: string): string {
  return flag.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
