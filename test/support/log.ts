import pino, { type Logger } from 'pino';

/** A log whose lines a test can read. */
export interface RecordedLog {
  readonly log: Logger;
  readonly lines: Record<string, unknown>[];
}

export function recordedLog(): RecordedLog {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'trace', base: null, timestamp: false }, { write: (line) => lines.push(JSON.parse(line) as never) });
  return { log, lines };
}
