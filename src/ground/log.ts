import pino, { type Logger, type LevelWithSilent } from 'pino';

export type { Logger };
export type LogLevel = LevelWithSilent;

export const LOG_LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/**
 * The log: lines for people on a terminal, JSON lines otherwise, always on standard error, so that standard output stays
 * free for what a command prints.
 * @param level the least severe level that is written
 * @param forPeople whether the lines are for people; by default where standard error is a terminal
 */
export function createLog(level: LogLevel, forPeople = process.stderr.isTTY): Logger {
  if (!forPeople) return pino({ level, base: null }, pino.destination({ dest: 2, sync: true }));
  // Loaded only where someone looks on: it costs the start of a server some milliseconds.
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- an import statement would load it always
  const pretty = require('pino-pretty') as typeof import('pino-pretty');
  return pino({ level, base: null }, pretty({ colorize: process.stderr.isTTY, destination: 2, sync: true, singleLine: true, translateTime: 'SYS:HH:MM:ss', ignore: 'pid,hostname' }));
}

/** A log that writes nothing: the default of an embedded host. */
export function silentLog(): Logger {
  return pino({ level: 'silent' });
}
