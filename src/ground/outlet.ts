import { isatty } from 'node:tty';
import { messageOf } from './errors';
import { nonblockingWrite, type Standard, type Write } from './nonblocking-write';

/** Bytes that are kept for a reader who is behind; what comes on top of them is dropped. */
const MOST_KEPT = 1024 * 1024;
/** Bytes that a pipe takes as a whole or not at all (PIPE_BUF), so that the lines of several processes don't mix. */
const AT_ONCE = 4096;
/** Milliseconds before what is kept is tried again; doubled each time nothing could be written. */
const FIRST_RETRY = 1;
const LONGEST_RETRY = 100;

/** What is told of lines that were dropped, once lines can be written again. */
export type TellDropped = (count: number, reason: string) => void;

/** What stands below all lines of a terminal. */
export interface Footer {
  /** The same text, with what takes the footer away before it and puts it back behind it. */
  above(text: string): string;
}

let footer: Footer | undefined;

/** Has every line that goes to the terminal written above a footer; undefined: there is none any more. */
export function setFooter(shown: Footer | undefined): void {
  footer = shown;
}

interface Drops {
  count: number;
  /** Why the first of them was. */
  readonly reason: string;
  readonly tell: TellDropped | undefined;
}

/**
 * Standard output or standard error, for lines that must neither end nor block a server: a line is written at once; where
 * that is not possible (the disk is full, the reader sleeps or has gone) it is kept and tried again, and dropped and counted
 * when too much is kept already.
 */
export class Outlet {
  #write: Write | undefined;
  /** What could not be written yet: whole lines, but for the first, of which a part may be written. */
  readonly #kept: Buffer[] = [];
  #keptBytes = 0;
  /** Why it could not. */
  #failure: unknown;
  #drops: Drops | undefined;
  /** Milliseconds. */
  #delay = FIRST_RETRY;
  /** performance.now() of the next attempt. */
  #retryAt = 0;
  #hasTimer = false;

  #isTerminal: boolean | undefined;

  constructor(private readonly standard: Standard) {}

  /**
   * Writes a line; never throws and never waits.
   * @param text with its end
   * @param tellDropped called later if this line is the first of some that are dropped
   */
  write(text: string, tellDropped?: TellDropped): void {
    if (footer === undefined || !(this.#isTerminal ??= isatty(this.standard))) {
      this.#writeOrKeep(text, tellDropped);
      return;
    }
    this.#writeOrKeep(footer.above(text), tellDropped);
  }

  #writeOrKeep(text: string, tellDropped: TellDropped | undefined): void {
    const line = Buffer.from(text);
    // The timer does not come while lines are written without a pause.
    if (this.#kept.length > 0 && performance.now() >= this.#retryAt) this.#retry();
    if (this.#kept.length > 0) this.#keep(line, tellDropped);
    else this.#writeNow(line);
  }

  #writeNow(line: Buffer): void {
    let written = 0;
    try {
      this.#write ??= this.#open();
      written = this.#write(line);
      if (written === line.length) return;
    } catch (error) {
      this.#failure = error;
    }
    this.#kept.push(line.subarray(written));
    this.#keptBytes = line.length - written;
    this.#retryIn(FIRST_RETRY);
  }

  #open(): Write {
    const write = nonblockingWrite(this.standard);
    process.on('exit', () => this.#flush());
    return write;
  }

  #keep(line: Buffer, tell: TellDropped | undefined): void {
    if (this.#keptBytes + line.length > MOST_KEPT) {
      this.#drops ??= { count: 0, reason: reasonOf(this.#failure), tell };
      this.#drops.count++;
      return;
    }
    const last = this.#kept.at(-1)!;
    if (this.#kept.length > 1 && last.length + line.length <= AT_ONCE) this.#kept[this.#kept.length - 1] = Buffer.concat([last, line]);
    else this.#kept.push(line);
    this.#keptBytes += line.length;
  }

  /** @param delay milliseconds */
  #retryIn(delay: number): void {
    this.#delay = delay;
    this.#retryAt = performance.now() + delay;
    if (this.#hasTimer) return;
    this.#hasTimer = true;
    setTimeout(() => {
      this.#hasTimer = false;
      if (this.#kept.length > 0) this.#retry();
    }, delay).unref();
  }

  #retry(): void {
    const before = this.#keptBytes;
    this.#flush();
    if (this.#kept.length > 0) this.#retryIn(this.#keptBytes < before ? FIRST_RETRY : Math.min(this.#delay * 2, LONGEST_RETRY));
  }

  /** Writes of what is kept as much as can be written now. */
  #flush(): void {
    try {
      this.#write ??= this.#open();
      while (this.#kept.length > 0) {
        const [first] = this.#kept as [Buffer];
        const written = this.#write(first);
        this.#keptBytes -= written;
        if (written < first.length) this.#kept[0] = first.subarray(written);
        else this.#kept.shift();
      }
    } catch (error) {
      this.#failure = error;
      return;
    }
    const drops = this.#drops;
    this.#drops = undefined;
    drops?.tell?.(drops.count, drops.reason);
  }
}

function reasonOf(failure: unknown): string {
  return (failure as NodeJS.ErrnoException).code === 'EAGAIN' ? 'its reader was too slow' : messageOf(failure);
}

/** One for all logs of a process. */
export const standardOutput = new Outlet(1);
export const standardError = new Outlet(2);
