import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type * as Toml from 'smol-toml' with { 'resolution-mode': 'import' };
import { DlserveError, messageOf } from '../ground/errors';
import { valueAt, type Document, type Table } from './document';

/** Loaded for those who have a file. Its types know only its ES module, though it comes as CommonJS too. */
const toml = (): typeof Toml => require('smol-toml') as typeof Toml;

/**
 * Reads the text of a TOML file.
 * @param name as the person wrote it; relative to `cwd`
 * @param namedBy what named it; undefined for the default one, which need not be there
 * @returns undefined where the default one is not there
 * @throws DlserveError BAD_CONFIG
 */
export async function readText(
  name: string,
  cwd: string,
  namedBy: string | undefined,
): Promise<string | undefined> {
  let content: Buffer;
  try {
    content = await readFile(path.resolve(cwd, name));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (namedBy === undefined && code === 'ENOENT') return undefined;
    const reason =
      code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder, not a file' : messageOf(error);
    const from = namedBy === undefined ? '' : ` (named by ${namedBy})`;
    throw new DlserveError('BAD_CONFIG', { reason: `${name}${from} can't be read: ${reason}` }, { cause: error });
  }
  return decode(name, content);
}

function decode(name: string, content: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch (error) {
    const reason = `${name}:${badLine(content)}: this is not UTF-8 text, as TOML must be: save the file as UTF-8`;
    throw new DlserveError('BAD_CONFIG', { reason }, { cause: error });
  }
}

/** The first line that is not UTF-8; a line feed is never part of a longer character. */
function badLine(content: Buffer): number {
  let line = 1;
  for (let start = 0; start < content.length; line++) {
    const feed = content.indexOf(10, start);
    const end = feed === -1 ? content.length : feed;
    const part = content.subarray(start, end);
    if (!Buffer.from(part.toString()).equals(part)) return line;
    start = end + 1;
  }
  return line;
}

/** Parses the text of a TOML file. @throws DlserveError BAD_CONFIG */
export function parseDocument(name: string, text: string): Document {
  let table: Table;
  try {
    table = parseToml(text);
  } catch (error) {
    const reason = error instanceof toml().TomlError ? explain(name, text, error) : `${name}: ${messageOf(error)}`;
    throw new DlserveError('BAD_CONFIG', { reason }, { cause: error });
  }
  return { name, table, where: (keys) => `${name}:${lineOf(text, keys)}` };
}

/** Integers beyond 2^53 come as bigint, so that none is rounded unseen. */
function parseToml(text: string): Table {
  return toml().parse(text, { integersAsBigInt: 'asNeeded' });
}

function explain(name: string, text: string, error: Toml.TomlError): string {
  const what = (error.message.split('\n', 1)[0] ?? '').replace('Invalid TOML document: ', '');
  const lines = text.split(/\r?\n/);
  const line = lines[error.line - 1] ?? '';
  const hint = quoteHint(line);
  // There is nothing to point at: the value went on past the last line, as it does in brackets only.
  const ended = error.line === lines.length && line.trim() === '';
  const { line: at, column, codeblock } = ended ? new (toml().TomlError)(what, { toml: text, ptr: text.trimEnd().length }) : error;
  const reason = ended ? `${what}: the file ends here, inside a bracket that is still open` : what;
  const paragraphs = [`${name}:${at}:${column}: ${reason}`, codeblock.trimEnd()];
  if (hint !== undefined) paragraphs.push(hint);
  return paragraphs.join('\n\n');
}

const BARE = /^\s*([\w.-]+)\s*=\s*([^\s"'[{#=][^"'#]*?)\s*(#.*)?$/;
const LITERAL = /^(true|false|[+-]?(inf|nan|\d[\d._:eEtTzZ+-]*|0[xob][\da-fA-F_]+))(\s|$)/;

/** What to write in place of `pluginpath = ./lib`. */
function quoteHint(line: string): string | undefined {
  const match = BARE.exec(line);
  if (match === null || LITERAL.test(match[2]!)) return undefined;
  return `put text in quotes: ${match[1]!} = ${match[2]!.includes('\\') ? `'${match[2]!}'` : `"${match[2]!}"`}`;
}

/**
 * The line at which the statement that defines the value at a path begins. The parser tells no positions, but it does
 * tell whether a text is whole TOML and what it defines: so it is the line after the longest prefix that does not define
 * the path.
 */
function lineOf(text: string, keys: readonly string[]): number {
  const lines = text.split('\n');
  const defines = (count: number): boolean | undefined => {
    try {
      return valueAt(parseToml(`${lines.slice(0, count).join('\n')}\n`), keys) !== undefined;
    } catch {
      return undefined; // This prefix ends within a statement of several lines.
    }
  };
  let without = 0;
  let low = 0;
  for (let high = lines.length; high - low > 1;) {
    const middle = Math.floor((low + high) / 2);
    let whole = middle;
    let defined = defines(whole);
    while (defined === undefined && --whole > low) defined = defines(whole);
    if (defined === true) high = whole;
    else if (defined === false) without = whole;
    if (defined !== true) low = middle;
  }
  return without + 1;
}
