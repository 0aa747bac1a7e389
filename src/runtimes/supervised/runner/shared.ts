import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createMemory } from '../memory';
import { fromMonotonic, MOST_CANCELLED, RING_SIZE, RUNNING_SIZE, SharedLayout } from './protocol';

/** How far a runner says that it has come. */
export interface Snapshot {
  /** Calls with ids 1 to this have begun. */
  readonly begun: number;
  /** Bytes received since it opened the library: they grow while a large request is on its way. */
  readonly taken: number;
  /** Bytes of frames, all but PARTs, that count as given. */
  readonly committed: number;
  /** See Stage. */
  readonly stage: number;
  /** How many threads the system gives it at most; 0: as many as it wants. */
  readonly threads: number;
}

/**
 * The file that a runner maps and the host reads: it outlives the runner, so after a crash it says exactly which calls had
 * begun, and holds the replies that were finished but not yet sent. It has no name, so nothing is left of it. In which order both
 * sides write and read: native/runner/HANDSHAKES.md.
 */
export class Shared {
  readonly fd: number;
  private readonly buffer = Buffer.allocUnsafe(SharedLayout.HALT);
  /** What stood there when it was closed; null until then. */
  private last: Snapshot | null = null;

  /** @throws what the file system throws */
  constructor() {
    this.fd = create();
  }

  /** What stands there now, or stood there when it was closed; whether it can be is for others to say. */
  read(): Snapshot {
    if (this.last !== null) return this.last;
    readSync(this.fd, this.buffer, 0, SharedLayout.HALT, 0);
    return {
      begun: Number(this.buffer.readBigUInt64LE(SharedLayout.BEGUN)),
      taken: Number(this.buffer.readBigUInt64LE(SharedLayout.TAKEN)),
      committed: Number(this.buffer.readBigUInt64LE(SharedLayout.COMMITTED)),
      stage: this.buffer.readUInt32LE(SharedLayout.STAGE),
      threads: this.buffer.readUInt32LE(SharedLayout.THREADS),
    };
  }

  /**
   * Since when a call is executed, in milliseconds of performance.now(), or whatever a hostile library has written there; undefined where no
   * thread says that it executes it.
   */
  runningSince(id: number, threads: number): number | undefined {
    // A thread writes the time first: where the id was there, what is read afterwards is its time, or that of a later call.
    return this.findRunning(id, threads) === undefined ? undefined : this.findRunning(id, threads);
  }

  private findRunning(id: number, threads: number): number | undefined {
    if (this.last !== null) return undefined;
    const bytes = Buffer.alloc(threads * RUNNING_SIZE);
    readSync(this.fd, bytes, 0, bytes.length, SharedLayout.RUNNING);
    const wanted = BigInt(id);
    for (let at = 0; at < bytes.length; at += RUNNING_SIZE) {
      if (bytes.readBigUInt64LE(at) === wanted) return fromMonotonic(bytes.readDoubleLE(at + 8));
    }
    return undefined;
  }

  /**
   * The frames that a dead runner committed and had not sent whole.
   * @param received bytes of the whole ones that arrived
   */
  unsent(received: number, committed: number): Buffer {
    const length = committed - received;
    // Beyond the ring, a dying plugin has written here.
    if (length <= 0 || length > RING_SIZE || this.last !== null) return Buffer.alloc(0);
    // Of a file that somebody has cut, nothing of the host's memory is read.
    const bytes = Buffer.alloc(length);
    const start = received % RING_SIZE;
    const first = Math.min(length, RING_SIZE - start);
    readSync(this.fd, bytes, 0, first, SharedLayout.RING + start);
    if (first < length) readSync(this.fd, bytes, first, length - first, SharedLayout.RING);
    return bytes;
  }

  /** Has the runner skip a call: if it has not begun when this returns, it never will. */
  cancel(id: number): void {
    if (this.last !== null) return;
    this.buffer.writeUInt32LE((Math.floor(id / MOST_CANCELLED) + 1) % 0x1_0000_0000, 0);
    writeSync(this.fd, this.buffer, 0, 4, SharedLayout.CANCELLED + 4 * (id % MOST_CANCELLED));
  }

  /** Has the runner take no more calls: those that have not begun when this returns never will. */
  halt(): void {
    if (this.last !== null) return;
    writeSync(this.fd, Buffer.from([1, 0, 0, 0]), 0, 4, SharedLayout.HALT);
  }

  /**
   * Writes down about which call the runner will be asked.
   * @returns whether it can still answer
   */
  ask(id: number): boolean {
    if (this.last !== null) return false;
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(id));
    return writeSync(this.fd, bytes, 0, 8, SharedLayout.ASKED) === 8;
  }

  /** Whether the runner has said where it is. */
  get hasSaid(): boolean {
    return this.crash().readUInt32LE(0) !== 0;
  }

  /** What a dead runner has said of its crash, and of the files in its memory. */
  crash(): Buffer {
    const bytes = Buffer.alloc(SharedLayout.CANCELLED - SharedLayout.CRASH);
    if (this.last === null) readSync(this.fd, bytes, 0, bytes.length, SharedLayout.CRASH);
    return bytes;
  }

  /** Its descriptor may be another file's from now on, so nothing is read or written any more. May be told again. */
  close(): void {
    if (this.last !== null) return;
    this.last = this.read();
    closeSync(this.fd);
  }
}

/** Memory without a file system where that can be had; else in one that is in memory, and where there is room. */
function create(): number {
  const memory = createMemory('dlserve-calls', SharedLayout.SIZE);
  if (memory !== undefined) return memory;
  const name = `dlserve-${process.pid}-${randomBytes(8).toString('hex')}`;
  const places = process.platform === 'linux' ? ['/dev/shm', tmpdir()] : [tmpdir()];
  for (;;) {
    try {
      return createIn(path.join(places.shift()!, name));
    } catch (error) {
      if (places.length === 0) throw error;
    }
  }
}

/** All of the file is written: a page that turns out later not to fit would end the runner, or fail the host. */
function createIn(file: string): number {
  const fd = openSync(file, 'wx+', 0o600);
  try {
    unlinkSync(file);
    for (let at = 0; at < ZEROS.length; ) at += writeSync(fd, ZEROS, at, ZEROS.length - at, at);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

const ZEROS = Buffer.alloc(SharedLayout.SIZE);
