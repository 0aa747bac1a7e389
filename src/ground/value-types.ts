import bytes from 'bytes';
import ms from 'ms';

/** What a value should have been, as the middle of "http.port wants ..., not ...". */
export class Unfit extends Error {}

/** The type of a key: how a value of it is written, and read. */
export interface Type<T> {
  /** For the documentation and for errors: "a whole number from 0 to 65535". */
  readonly wants: string;
  /**
   * Reads a value as TOML gives it.
   * @throws Unfit
   */
  fromValue(value: unknown): T;
  /**
   * Reads the text of a flag or an environment variable.
   * @throws Unfit
   */
  fromText(text: string): T;
}

/** Text that is written the same in a file, a variable and a flag. */
function textType<T>(wants: string, read: (text: string) => T | undefined, hint?: (value: unknown) => string): Type<T> {
  const fromText = (text: string): T => {
    const value = read(text);
    if (value === undefined) throw new Unfit(`${wants}, not ${JSON.stringify(text)}`);
    return value;
  };
  const fromValue = (value: unknown): T => {
    if (typeof value === 'string') return fromText(value);
    throw new Unfit(`${wants}, not ${describe(value)}${hint?.(value) ?? ''}`);
  };
  return { wants, fromText, fromValue };
}

/** Text with something in it. */
export function text(wants: string): Type<string> {
  return textType(wants, (given) => (given.trim() === '' || given.includes('\0') ? undefined : given));
}

/** Text of which only some is legal. */
export function matching(wants: string, pattern: RegExp): Type<string> {
  return textType(wants, (given) => (pattern.test(given) ? given : undefined));
}

/** One of a few words, in any case. */
export function oneOf<T extends string>(words: readonly T[]): Type<T> {
  return textType(`one of ${words.map((word) => JSON.stringify(word)).join(', ')}`, (given) =>
    words.find((word) => word === given.toLowerCase()),
  );
}

/** A whole number within bounds, both included. */
export function integer(least: number, most: number): Type<number> {
  const wants = `a whole number from ${least} to ${most}`;
  const check = (value: number, given: string): number => {
    if (!Number.isInteger(value) || value < least || value > most) throw new Unfit(`${wants}, not ${given}`);
    return value;
  };
  return {
    wants,
    fromText: (given) => check(/^[+-]?\d+$/.test(given.trim()) ? Number(given) : NaN, JSON.stringify(given)),
    fromValue: (value) => {
      if (typeof value === 'number') return check(value, describe(value));
      const unquoted = typeof value === 'string' && /^\d+$/.test(value) ? `: write ${value} without quotes` : '';
      throw new Unfit(`${wants}, not ${describe(value)}${unquoted}`);
    },
  };
}

/** The fewest and the most of something. */
export interface Range {
  readonly least: number;
  readonly most: number;
}

/** A whole number within bounds, or two of them as text: "1-4". */
export function range(least: number, most: number): Type<Range> {
  const wants = `a whole number from ${least} to ${most}, or two such as "${least}-4"`;
  const read = (text: string): Range => {
    const [, low, high] = /^(\d+)(?:-(\d+))?$/.exec(text.trim()) ?? [];
    const given = { least: Number(low), most: Number(high ?? low) };
    if (given.least >= least && given.least <= given.most && given.most <= most) return given;
    throw new Unfit(`${wants}, not ${JSON.stringify(text)}`);
  };
  return {
    wants,
    fromText: read,
    fromValue: (value) => {
      if (typeof value === 'string' && value.includes('-')) return read(value);
      if (Number.isInteger(value) && Number(value) >= least && Number(value) <= most) return { least: Number(value), most: Number(value) };
      const unquoted = typeof value === 'string' && /^\d+$/.test(value) ? `: write ${value} without quotes` : '';
      throw new Unfit(`${wants}, not ${describe(value)}${unquoted}`);
    },
  };
}

/** A part of a whole: a number above 0, up to 1. */
export function share(): Type<number> {
  const wants = 'a number above 0, up to 1';
  const check = (value: number, given: string): number => {
    if (!(value > 0 && value <= 1)) throw new Unfit(`${wants}, not ${given}`);
    return value;
  };
  return {
    wants,
    fromText: (given) => check(/^\d*\.?\d+$/.test(given.trim()) ? Number(given) : NaN, JSON.stringify(given)),
    fromValue: (value) => check(typeof value === 'number' ? value : NaN, describe(value)),
  };
}

export const boolean: Type<boolean> = {
  wants: 'true or false',
  fromText: (given) => {
    const lower = given.trim().toLowerCase();
    if (lower === 'true' || lower === '1') return true;
    if (lower === 'false' || lower === '0') return false;
    throw new Unfit(`true or false, not ${JSON.stringify(given)}`);
  },
  fromValue: (value) => {
    if (typeof value === 'boolean') return value;
    throw new Unfit(`true or false, not ${describe(value)}`);
  },
};

const DURATION = /^\d+(\.\d+)? ?(ms|s|m|h)$/i;

/**
 * A time with its unit, in milliseconds.
 * @param least as it is written, for example "1ms"
 * @param most likewise
 */
export function duration(least: string, most: string): Type<number> {
  const read = (given: string): number => ms(given as ms.StringValue);
  return textType(
    `a duration from ${quoted(least)} to ${quoted(most)}, such as "250ms", "30s" or "5m"`,
    (given) => {
      const value = DURATION.test(given.trim()) ? Math.round(read(given.trim())) : NaN;
      return value >= read(least) && value <= read(most) ? value : undefined;
    },
    (value) => (isCount(value) ? `: write "${value}s" for seconds` : ''),
  );
}

const SIZE = /^\d+(\.\d+)? ?(b|kb|mb|gb|tb)$/i;

/**
 * A number of bytes with its unit; 1KB is 1024 bytes.
 * @param least as it is written, for example "16MB"
 * @param most likewise
 * @param orNone whether "" is legal too; it is read as 0
 */
export function size(least: string, most: string, orNone = false): Type<number> {
  const read = (given: string): number => bytes.parse(given) ?? NaN;
  return textType(
    `a size from ${quoted(least)} to ${quoted(most)}, such as "64KB" or "512MB"${orNone ? ', or "" for none' : ''}`,
    (given) => {
      const trimmed = given.trim();
      if (trimmed === '' && orNone) return 0;
      const value = SIZE.test(trimmed) ? read(trimmed) : NaN;
      return value >= read(least) && value <= read(most) ? value : undefined;
    },
    (value) => (isCount(value) ? `: write "${value}B" for bytes` : ''),
  );
}

/** A key that may be left unset. */
export function optional<T>(type: Type<T>): Type<T | undefined> {
  return { ...type, fromValue: (value) => (value === undefined ? undefined : type.fromValue(value)) };
}

/**
 * A list of texts; in a flag or a variable they are separated by spaces.
 * @param isLegal of each of them
 */
export function list(wants: string, isLegal: (word: string) => boolean): Type<string[]> {
  const check = (words: readonly unknown[]): string[] => {
    const wrong = words.find((word) => typeof word !== 'string' || !isLegal(word));
    if (wrong === undefined) return [...(words as readonly string[])];
    throw new Unfit(`${wants}, not a list with ${describe(wrong)}`);
  };
  return {
    wants,
    fromText: (given) => check(given.split(/\s+/).filter((word) => word !== '')),
    fromValue: (value) => {
      if (Array.isArray(value)) return check(value);
      throw new Unfit(`${wants}, not ${describe(value)}${typeof value === 'string' ? `: write [${JSON.stringify(value)}]` : ''}`);
    },
  };
}

/** A list of words. */
export const words = list('a list of texts, such as ["-O2", "-lm"]', (word) => word !== '' && !word.includes('\0'));

function quoted(given: string): string {
  return JSON.stringify(given);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

/** A value in the words of an error message: as TOML writes it where that is short. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return value.length > 80 ? 'that text' : JSON.stringify(value);
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Date) return 'a date or time';
  if (value === null) return 'null';
  return typeof value === 'object' ? 'a table' : `a ${typeof value}`;
}
