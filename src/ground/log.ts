import pino from 'pino';

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

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * The log: lines for people on a terminal, JSON lines otherwise, always on standard error, so that standard output stays
 * free for what a command prints.
 * @param level the least severe level that is written
 * @param fields of each line
 * @param forPeople whether the lines are for people; by default where standard error is a terminal
 */
export function createLog(level: LogLevel, fields: object = {}, forPeople = process.stderr.isTTY): Logger {
  const options = { level, base: fields };
  if (!forPeople) return pino(options, pino.destination({ dest: 2, sync: true }));
  // Loaded only where someone looks on: it costs the start of a server some milliseconds.
  const pretty = require('pino-pretty') as typeof import('pino-pretty');
  return pino(options, pretty({ colorize: process.stderr.isTTY, destination: 2, sync: true, singleLine: true, translateTime: 'SYS:HH:MM:ss', ignore: 'pid,hostname' }));
}
