import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import pino from 'pino';
import type { DlserveError } from '../../../src/ground/errors';
import type { Logger } from '../../../src/ground/log';
import type { Instance } from '../../../src/plugin/runtime';
import type { Services } from '../../../src/plugin/services';
import { processRuntime, type ProcessOptions } from '../../../src/runtimes/supervised/runner/runtime';
import { compileFixture } from '../../support/compile';
import { callHandler, makeCall, pluginSource, textOf, type CallOptions, type TestSettings } from '../../support/runtime';
import { until } from '../../support/until';
import { builtRunner } from './built-runner';

/** A line of the log. */
export interface Line {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** A log that is kept. */
export function recordedLog(): { log: Logger; lines: Line[] } {
  const lines: Line[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(JSON.parse(line) as Line) });
  return { log, lines };
}

/** An opened plugin, and what was logged of it. */
export interface Opened {
  readonly plugin: Instance;
  readonly lines: Line[];
  readonly library: string;
  /** Calls a handler by its symbol; gives the reply's text, or the error's code. */
  readonly ask: (symbol: string, options?: CallOptions) => Promise<string>;
  /** Lines that tell of the end of a runner. */
  readonly deaths: () => Line[];
  /** Resolves when GETWaitHandler of innocent.h is executing for the nth time. */
  readonly waiting: (times?: number) => Promise<unknown>;
}

export interface OpenOptions extends ProcessOptions {
  readonly settings?: Partial<TestSettings>;
  readonly services?: Services;
}

const SYMBOLS = ['GETFaultHandler', 'GETEchoHandler', 'GETPidHandler', 'GETWaitHandler'];

const opened: Instance[] = [];

const HEADER = createHash('sha256').update(readFileSync(path.join(__dirname, '../../fixtures/native/innocent.h'))).digest('hex');

/** Compiles a fixture that includes innocent.h, again when that has changed. */
export function compileInnocent(fixture: string): string {
  return compileFixture(fixture, [`-DINNOCENT_H=0x${HEADER.slice(0, 8)}`]);
}

/** Opens a fixture that includes innocent.h. It is closed by {@link closeAll}. */
export function open(fixture: string, options: OpenOptions = {}): Promise<Opened> {
  return openLibrary(compileInnocent(fixture), SYMBOLS, options);
}

/** Opens any library. */
export async function openLibrary(library: string, symbols: readonly string[], options: OpenOptions = {}): Promise<Opened> {
  const { log, lines } = recordedLog();
  const { settings, services, ...rest } = options;
  const runtime = processRuntime({ runner: builtRunner(), ...rest });
  const source = pluginSource(library, { symbols, settings: { mode: 'process', crashes: 1000, faultcalls: 1e6, ...settings }, log, ...(services && { services }) });
  const plugin = await runtime.open(source);
  opened.push(plugin);
  return {
    plugin,
    lines,
    library,
    ask: (symbol, call) =>
      callHandler(plugin, symbols.indexOf(symbol), call).then((reply) => textOf(reply)!, (error: unknown) => (error as DlserveError).code),
    deaths: () => lines.filter((line) => 'requests' in line),
    waiting: (times = 1) => until(() => lines.filter((line) => line.msg === 'waiting').length >= times),
  };
}

/** For afterEach. */
export async function closeAll(): Promise<void> {
  await Promise.all(opened.splice(0).map((plugin) => plugin.close(5000)));
}

/** Calls a handler and answers 504 in its name when its deadline passes, as the host does. */
export function askUntil(plugin: Instance, symbol: number, milliseconds: number, options: CallOptions = {}): Promise<string> {
  return new Promise((resolve) => {
    const call = makeCall(plugin, symbol, { ...options, deadline: performance.now() + milliseconds }, (error, reply) => {
      clearTimeout(timer);
      resolve(error === null ? textOf(reply!)! : error.code);
    });
    const timer = setTimeout(() => {
      resolve('TIMEOUT');
      plugin.expire(call);
    }, milliseconds);
    plugin.call(call);
  });
}

/** Whether a process is there. One that has ended and that nobody has asked about is not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
