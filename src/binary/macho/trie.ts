import { isRouteSymbol } from '../../plugin/route';
import type { SymbolKind } from '../binary';
import { Malformed } from '../bytes';
import type { Allowance } from '../name-table';
import { isOfInterest, MAX_NAME, SUFFIX, type Which } from '../names';
import { kindAt, type MachO } from './headers';

/** Flags of a trie's node, <mach-o/loader.h>. */
const KIND_MASK = 0x03;
const KIND_REGULAR = 0x00;
const REEXPORT = 0x08;

/**
 * The symbols that are wanted of an export trie. A node of it is the size of its symbol, which is 0 where it ends no name, that
 * symbol, the number of its edges, and for each a text and the next node.
 * @throws Malformed
 */
export async function readTrie(
  macho: MachO,
  { offset, size }: { readonly offset: number; readonly size: number },
  allowance: Allowance,
  which: Which,
): Promise<Map<string, SymbolKind>> {
  const found = new Map<string, SymbolKind>();
  const cursor = new Cursor(await macho.source.part(offset, size));
  /** What the edges up to a node say; behind that is what is left of its neighbours. */
  const path = Buffer.alloc(MAX_NAME);

  /** @param matched how much of "Handler" the end of the path has; all of it once it was there */
  const visit = (node: number, length: number, matched: number): void => {
    cursor.at = node;
    const symbolSize = cursor.uleb();
    const edges = cursor.at + symbolSize;
    // A handler's name, or one of the contract's: _PluginInit.
    if (symbolSize > 0 && (which === 'all' || matched === SUFFIX.length || path[1] === P)) {
      const name = path.toString('latin1', 0, length);
      allowance.read(length);
      if (isOfInterest(name) || (which === 'all' && isRouteSymbol(name.slice(1)))) {
        allowance.keep();
        found.set(name, readKind(cursor, macho));
      }
    }
    cursor.at = edges;
    for (let left = cursor.byte(); left > 0; left--) {
      const end = length + cursor.text(path, length);
      const child = cursor.uleb();
      const next = cursor.at;
      // A name that is longer is of no interest.
      if (end <= MAX_NAME) visit(child, end, match(path, length, end, matched));
      cursor.at = next;
    }
  };
  visit(0, 0, 0);
  return found;
}

const MARK = Buffer.from(SUFFIX);
const P = 'P'.charCodeAt(0);

/** How much of the mark is matched behind `end`, where it was `matched` behind `start`. Its first letter comes in it once. */
function match(path: Buffer, start: number, end: number, matched: number): number {
  for (let at = start; at < end && matched < MARK.length; at++) {
    matched = path[at] === MARK[matched] ? matched + 1 : path[at] === MARK[0] ? 1 : 0;
  }
  return matched;
}

function readKind(cursor: Cursor, macho: MachO): SymbolKind {
  const flags = cursor.uleb();
  if ((flags & KIND_MASK) !== KIND_REGULAR) return 'data';
  // What another library provides can't be looked into; such re-exports are functions as a rule.
  return flags & REEXPORT ? 'function' : kindAt(macho, macho.text + cursor.uleb());
}

/** Reads on and on within the trie. */
class Cursor {
  readonly #trie: Buffer;
  /** No two nodes share bytes, so that more reading than there are bytes is in a circle, or over nodes that overlap. */
  #left: number;

  at = 0;

  constructor(trie: Buffer) {
    this.#trie = trie;
    this.#left = trie.length;
  }

  byte(): number {
    const byte = this.#trie[this.at++];
    if (byte === undefined) throw new Malformed('its export table points outside of itself');
    if (--this.#left < 0) throw new Malformed('its export table runs in a circle');
    return byte;
  }

  /** A number of 64 bits in LEB128; inexact from 2^53 on. */
  uleb(): number {
    let value = 0;
    for (let digit = 0; digit < 10; digit++) {
      const byte = this.byte();
      value += (byte & 0x7f) * 128 ** digit;
      if (byte < 0x80) return value;
    }
    throw new Malformed('its export table holds an endless number');
  }

  /**
   * Copies the text of an edge.
   * @returns its length, also of what did not fit
   */
  text(into: Buffer, at: number): number {
    let length = 0;
    for (let byte = this.byte(); byte !== 0; byte = this.byte()) into[at + length++] = byte;
    if (length === 0) throw new Malformed('its export table has an edge without a text');
    return length;
  }
}
