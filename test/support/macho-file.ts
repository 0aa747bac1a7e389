/** Room for the load commands. */
const COMMANDS = 65_536;

/** A Mach-O library for x86-64 put together by hand, such as no linker writes. */
export class MachOFile {
  readonly #parts: Buffer[] = [];
  #length = 32 + COMMANDS;

  /** Adds bytes. @returns where they are in the file */
  add(bytes: Buffer): number {
    this.#parts.push(bytes);
    this.#length += bytes.length;
    return this.#length - bytes.length;
  }

  /** Adds an export trie. @returns the load command that says where it is */
  addTrie(trie: Buffer): Buffer {
    return command(0x8000_0033, [this.add(trie), trie.length]);
  }

  /** Adds a symbol table. @returns the load command that says where it is */
  addSymbols(symbols: Buffer, strings: Buffer): Buffer {
    return command(2, [this.add(symbols), symbols.length / 16, this.add(strings), strings.length]);
  }

  /** The whole file. */
  finish(commands: readonly Buffer[]): Buffer {
    const body = Buffer.concat(commands);
    const header = Buffer.from(Uint32Array.of(0xfeed_facf, 0x0100_0007, 3, 6, commands.length, body.length, 0, 0).buffer);
    return Buffer.concat([header, body, Buffer.alloc(Math.max(0, COMMANDS - body.length)), ...this.#parts]);
  }
}

/** A load command with what comes after its number and size. */
export function command(number: number, values: readonly number[]): Buffer {
  return Buffer.from(Uint32Array.of(number, 8 + 4 * values.length, ...values).buffer);
}

/** A segment of 64 bits, with as many sections, which lie at the beginning of the file and hold code. */
export function segment(sections: number): Buffer {
  const bytes = Buffer.alloc(72 + 80 * sections);
  bytes.writeUInt32LE(0x19, 0);
  bytes.writeUInt32LE(bytes.length, 4);
  bytes.write('__TEXT', 8);
  bytes.writeUInt32LE(sections, 64);
  for (let at = 72; at < bytes.length; at += 80) {
    bytes.writeUInt32LE(0x1_0000, at + 40);
    bytes.writeUInt32LE(0x8000_0400, at + 64);
  }
  return bytes;
}

/** @param name its offset in the string table */
export function nlist(name: number, type = 0x0f): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32LE(name, 0);
  bytes.writeUInt8(type, 4);
  bytes.writeUInt8(1, 5);
  return bytes;
}
