import { Unfit } from '../ground/value-types';

/** Deeper than a person nests, and shallow enough for any JSON parser. */
const MAX_DEPTH = 64;

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/**
 * A table of `[plugin.NAME.config]` as what JSON.stringify can write: dates and times become their ISO text, and whole
 * numbers beyond 2^53 become text too, because most JSON parsers would round them. Keys keep their order, also one called
 * `__proto__`.
 * @throws Unfit where a value has no JSON: inf, nan, and of an embedded host's options also functions and the like
 */
export function toJson(table: object): Record<string, Json> {
  return convertTable(table, []);
}

function convertTable(table: object, path: readonly string[]): Record<string, Json> {
  const result = Object.create(null) as Record<string, Json>;
  for (const [key, value] of Object.entries(table) as [string, unknown][]) {
    if (value !== undefined) result[key] = convert(value, [...path, key]);
  }
  return result;
}

function convert(value: unknown, path: readonly string[]): Json {
  if (path.length > MAX_DEPTH) throw new Unfit(`nested at most ${MAX_DEPTH} levels deep`);
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (!Number.isFinite(value)) refuse(path, Number.isNaN(value) ? 'nan' : 'inf');
      return value;
    case 'bigint':
      return value.toString();
    case 'object':
      if (value === null) return null;
      if (value instanceof Date) return isoText(value, path);
      if (Array.isArray(value)) return value.map((item: unknown, index) => convert(item, [...path, String(index)]));
      return convertTable(value, path);
    default:
      return refuse(path, `a ${typeof value}`);
  }
}

/** A local date or time of TOML keeps its form: "1979-05-27", "07:32:00.000". */
function isoText(date: Date, path: readonly string[]): string {
  return Number.isNaN(date.getTime()) ? refuse(path, 'no valid date') : date.toISOString();
}

function refuse(path: readonly string[], what: string): never {
  throw new Unfit(`what JSON can say, but ${path.join('.')} is ${what}`);
}
