import { isRouteSymbol } from '../plugin/route';
import { CUT_SHORT, Malformed } from './bytes';
import { isOfInterest, MAX_NAME, SUFFIX } from './names';

/** More than the handlers of any library, with all that looks like one. */
const MAX_NAMES = 65_536;
/** Strings that have a mark in them, of interest or not: each takes its time. */
const MAX_MARKED = 1_000_000;
const TOO_MANY = `it has more than ${MAX_NAMES} names like those of handlers`;

/**
 * How much text may be read from a library, and how many names kept. Names may share bytes, so that a file can be made to hold
 * far more text than it has bytes; in a real one all names together are shorter than the file.
 */
export class Allowance {
  #characters: number;
  #names = MAX_NAMES;

  /** @param length the library's, in bytes */
  constructor(length: number) {
    this.#characters = length;
  }

  /** @throws Malformed where so much text is not allowed any more */
  read(length: number): void {
    this.#characters -= length;
    if (this.#characters < 0) throw new Malformed('the names in it overlap so much that together they are longer than the file');
  }

  /** @throws Malformed where no more names are allowed */
  keep(): void {
    if (--this.#names < 0) throw new Malformed(TOO_MANY);
  }
}

/** What every name of interest has in it. */
const MARKS = [Buffer.from(SUFFIX), Buffer.from('Plugin')];

/** A string of a string table, and where it is in it. */
interface Text {
  readonly start: number;
  /** Where its NUL is. */
  readonly end: number;
  readonly text: string;
}

/** Finds the names of interest in a string table without making strings of the others, in time proportional to its length. */
export class NameTable {
  readonly #length: number;
  readonly #allowance: Allowance;
  /** Those of interest, in the order of the table. */
  readonly #texts: readonly Text[];

  /**
   * @param table its strings, each ended by NUL
   * @param isWanted whether a name, or what ends in it, is of interest
   * @throws Malformed where the strings of interest are too many
   */
  constructor(table: Buffer, allowance: Allowance, isWanted: (name: string) => boolean = isOfInterest) {
    this.#allowance = allowance;
    const found = new Map<number, Text>();
    let marked = 0;
    for (const mark of MARKS) {
      for (let at = table.indexOf(mark), end = 0; at !== -1; at = table.indexOf(mark, end)) {
        let start = at;
        while (start > end && table[start - 1] !== 0) start--;
        end = at;
        while (end < table.length && table[end] !== 0) end++;
        if (end === table.length) break;
        start = Math.max(start, end - MAX_NAME);
        const text = table.toString('latin1', start, end);
        if (isWanted(text)) found.set(end, { start, end, text });
        if (found.size > MAX_NAMES || ++marked > MAX_MARKED) throw new Malformed(TOO_MANY);
      }
    }
    this.#length = table.length;
    this.#texts = [...found.values()].sort((a, b) => a.start - b.start);
  }

  /** Whether there is none of interest. */
  get isEmpty(): boolean {
    return this.#texts.length === 0;
  }

  /**
   * The name at an offset of the table, which may lie within another: linkers let names share their ends.
   * @returns undefined where it is of no interest
   * @throws Malformed where it lies outside of the table, or where the names at all offsets asked for are too long together
   */
  at(offset: number): string | undefined {
    if (offset >= this.#length) throw new Malformed(CUT_SHORT);
    const text = this.#around(offset);
    if (text === undefined) return undefined;
    this.#allowance.read(text.end - offset);
    return text.text.slice(offset - text.start);
  }

  #around(offset: number): Text | undefined {
    let low = 0;
    let high = this.#texts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#texts[middle]!.end < offset) low = middle + 1;
      else high = middle;
    }
    const text = this.#texts[low];
    return text !== undefined && text.start <= offset && offset < text.end ? text : undefined;
  }
}

/** The names in a string table that routes can lead to, and those of interest. */
export class EveryName {
  constructor(
    private readonly table: Buffer,
    private readonly allowance: Allowance,
  ) {}

  /**
   * The name at an offset of the table.
   * @returns undefined where it is of no interest
   * @throws Malformed as {@link NameTable.at}
   */
  at(offset: number): string | undefined {
    if (offset >= this.table.length) throw new Malformed(CUT_SHORT);
    const end = this.table.indexOf(0, offset);
    if (end === -1) return undefined;
    this.allowance.read(end - offset);
    const text = this.table.toString('latin1', offset, Math.min(end, offset + MAX_NAME));
    return isRouteSymbol(text) || isOfInterest(text) ? text : undefined;
  }
}
