import { isatty } from 'node:tty';
import type { pino } from 'pino';
import { messageOf } from './errors';
import { LOG_LEVELS, type LogLevel } from './log-levels';
import { standardError } from './outlet';

export type { LogLevel };

/** One level of a log: a message, and what it is about. */
export interface LogMethod {
  (fields: object, message: string): void;
  (message: string): void;
}

/** What dlserve needs of a log: pino's has it, and that of any other logger with the same shape will do. */
export interface Logger {
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
}

/**
 * The log of a server: lines for people on a terminal, JSON lines otherwise, always on standard error, so that standard output
 * stays free for what a command prints. It neither ends nor blocks the server: lines that can't be written are dropped, and
 * counted.
 * @param level the least severe level that is written
 * @param fields of each line
 * @param forPeople whether they are no JSON
 */
export function createLog(level: LogLevel, fields: object = {}, forPeople = isatty(2)): Logger {
  const log = createLateLog(level, fields, forPeople);
  log.open();
  return log;
}

/** A log of which nothing is loaded until it is opened. */
export interface LateLog extends Logger {
  /** Also done by the first line; but then the process may be short of what it takes. */
  open(): void;
}

/** The same for a process that wants to listen before it has something to say: the library costs it a tenth of its start. */
export function createLateLog(level: LogLevel, fields: object = {}, forPeople = isatty(2)): LateLog {
  let opened: Logger | undefined;
  const open = (): Logger => {
    if (opened !== undefined) return opened;
    try {
      const format = forPeople ? formatForPeople() : (line: string) => line;
      return (opened = writer()({ level, base: fields }, { write: (line) => standardError.write(format(line), tellDropped) }));
    } catch {
      // Whoever has something to say is in the middle of something, and can do nothing about it.
      return plainLog(fields);
    }
  };
  const method = (name: keyof Logger): LogMethod => {
    // Not even opened for a line that is not written.
    if (LOG_LEVELS.indexOf(name) < LOG_LEVELS.indexOf(level)) return () => undefined;
    return (...line: [object, string] | [string]) => open()[name](...(line as [string]));
  };
  const tellDropped = (count: number, reason: string): void => log.error(`${count} lines of the log were dropped: ${reason}`);
  const log = { debug: method('debug'), info: method('info'), warn: method('warn'), error: method('error'), open: () => void open() };
  return log;
}

/**
 * The same lines without the library, for a process that can not load it now. Node.js remembers what it has not found, so it may never be
 * able to.
 */
function plainLog(fields: object): Logger {
  const method = (name: keyof Logger): LogMethod => (...line: [object, string] | [string]) => {
    const [own, msg] = line.length === 1 ? [{}, line[0]] : line;
    const level = 10 * LOG_LEVELS.indexOf(name) + 10;
    standardError.write(`${JSON.stringify({ level, time: Date.now(), ...fields, ...own, msg }, errorsAsWords)}\n`);
  };
  return { debug: method('debug'), info: method('info'), warn: method('warn'), error: method('error') };
}

function errorsAsWords(key: string, value: unknown): unknown {
  return value instanceof Error ? messageOf(value) : value;
}

function writer(): typeof pino {
  return (require('pino') as typeof import('pino')).pino;
}

/**
 * The log of a command that ends by itself: lines for people on standard error, whose reader is waited for.
 * @param level the least severe level that is written
 */
export function createCommandLog(level: LogLevel): Logger {
  const format = formatForPeople();
  // Where nobody takes the lines, the command does its work all the same.
  process.stderr.on('error', () => undefined);
  return writer()({ level, base: null }, { write: (line) => process.stderr.write(format(line)) });
}

function formatForPeople(): (line: string) => string {
  // Loaded only where someone looks on: it costs the start of a server some milliseconds.
  const { prettyFactory } = require('pino-pretty') as typeof import('pino-pretty');
  return prettyFactory({ colorize: wantsColors(process.env), singleLine: true, translateTime: 'SYS:HH:MM:ss', ignore: 'pid,hostname' });
}

/** Whether standard error is to have colours: as https://no-color.org has it, and FORCE_COLOR. */
function wantsColors({ NO_COLOR, FORCE_COLOR, TERM }: NodeJS.ProcessEnv): boolean {
  // Node.js itself lets it win over the other.
  if (FORCE_COLOR) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return !NO_COLOR && TERM !== 'dumb' && isatty(2);
}
