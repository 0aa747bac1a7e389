import type { Readable } from 'node:stream';
import type { Logger } from '../../ground/log';

/** A longer line is logged in pieces. */
const LONGEST_LINE = 8192;
/** After this many bytes the plugin has to wait a moment, so that one that prints endlessly leaves the host its time. */
const BURST = 65536;
const PAUSE = 5;
const NEWLINE = 10;

/** How many of the last lines are kept for a fault report, and how much of each. */
const KEPT = 20;
const KEPT_LENGTH = 1024;

/** The last lines of a process. */
export class LastLines {
  readonly lines: string[] = [];

  add(line: string): void {
    this.lines.push(line.slice(0, KEPT_LENGTH));
    if (this.lines.length > KEPT) this.lines.shift();
  }
}

/**
 * Logs what a plugin prints, line by line, the last one also without its end.
 * @param level of the lines
 * @param fields of each line
 * @param last gets them, too
 */
export function logLines(stream: Readable, log: Logger, level: 'info' | 'warn', fields: Record<string, unknown>, last?: LastLines): void {
  let rest: Buffer = Buffer.alloc(0);
  let burst = 0;
  const write = (line: Buffer): void => {
    const text = line.toString('utf8').replace(/\r$/, '');
    if (text === '') return;
    log[level](fields, text);
    last?.add(text);
  };
  stream.on('data', (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (;;) {
      const newline = bytes.indexOf(NEWLINE, start);
      const end = newline === -1 ? bytes.length : newline;
      if (newline === -1 && end - start < LONGEST_LINE) break;
      if (end - start <= LONGEST_LINE) {
        write(bytes.subarray(start, end));
        start = newline === -1 ? end : end + 1;
      } else {
        write(bytes.subarray(start, start + LONGEST_LINE));
        start += LONGEST_LINE;
      }
    }
    rest = Buffer.from(bytes.subarray(start));
    burst += chunk.length;
    if (burst < BURST) return;
    burst = 0;
    stream.pause();
    setTimeout(() => stream.resume(), PAUSE).unref();
  });
  stream.on('error', () => undefined);
  stream.on('close', () => write(rest));
}
