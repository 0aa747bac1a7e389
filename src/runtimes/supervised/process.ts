import type { Socket } from 'node:net';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import type { PluginSource } from '../../plugin/runtime';
import { LastLines, logLines } from './output';
import type { Child, ChildOwner, Command } from './start/child';
import { start } from './start/start';

/** How a process ended. */
export interface Exit {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** In words, for an error's message. */
  readonly words: string;
}

/** What to start, and what its descriptors are: 1 and 2 are pipes, for the log. */
export interface Program extends Command {
  /** The descriptor on which it is written to. */
  readonly input: number;
  /** The descriptor on which it answers; when it closes that, it has hung up. */
  readonly output: number;
  /** The descriptor on which it is written to beside that, where there is one. */
  readonly control?: number;
}

/** Whoever listens to a process. */
export interface ProcessOwner {
  receive(chunk: Buffer): void;
  /** It ended, or hung up: there is no use in sending it more. */
  lost(): void;
  /** It ended, and all that it sent was received. */
  ended(exit: Exit): void;
}

/** Milliseconds that it has to end by itself after it hung up, and its descriptors to be read to the end after it ended. */
const HANGUP_GRACE = 1000;
const DRAIN_GRACE = 200;
/** Turns of the event loop in which what it printed is still read, where there is no end to it. */
const LAST_TURNS = 16;

/** A process of a plugin, with its sockets, its output and all that it starts. */
export class PluginProcess implements ChildOwner {
  /** null: it did not start. */
  readonly pid: number | null;
  /** Where it is written to; null as the pid. */
  readonly input: Socket | null;
  /** Beside that; null where there is none, too. */
  readonly control: Socket | null;
  private readonly child: Child;
  private readonly owner: ProcessOwner;
  private readonly output: Socket | null;
  private readonly last = new LastLines();
  private readonly printed: Promise<unknown>;
  private exit: Exit | null = null;
  private hungUp = false;
  private isOver = false;
  /** Of HANGUP_GRACE or DRAIN_GRACE. */
  private grace: NodeJS.Timeout | undefined;

  /** @throws where the system can't start it; or that is its end */
  constructor(program: Program, source: PluginSource, owner: ProcessOwner) {
    this.owner = owner;
    this.child = start(program, this);
    this.pid = this.child.pid;
    this.input = this.child.pipes[program.input] ?? null;
    this.control = program.control === undefined ? null : (this.child.pipes[program.control] ?? null);
    this.output = this.child.pipes[program.output] ?? null;
    this.printed = this.pid === null ? Promise.resolve() : this.listen(this.pid, source);
  }

  private listen(pid: number, { name, log }: PluginSource): Promise<unknown> {
    const [, stdout, stderr] = this.child.pipes as Socket[];
    const input = this.input!;
    const output = this.output!;
    logLines(stdout!, log, 'info', { plugin: name, stream: 'stdout', pid }, this.last);
    logLines(stderr!, log, 'warn', { plugin: name, stream: 'stderr', pid }, this.last);
    // Two sockets, because one that fails to write is closed, and what was not yet read from it is lost.
    input.on('error', () => undefined).resume();
    output.on('error', () => undefined);
    this.control?.on('error', () => undefined).resume();
    output.on('data', (chunk: Buffer) => this.owner.receive(chunk));
    output.on('close', () => this.hangUp());
    // The plugin's timers hold the event loop while there is something to wait for.
    for (const pipe of this.child.pipes) pipe?.unref();
    return Promise.all([closed(stdout!), closed(stderr!)]);
  }

  /** The last lines that it printed, once it has ended and all is read. */
  get lines(): Promise<readonly string[]> {
    return this.printed.then(() => this.last.lines);
  }

  private hangUp(): void {
    this.hungUp = true;
    this.owner.lost();
    if (this.exit !== null) this.end(this.exit);
    else this.grace = setTimeout(() => this.kill(), HANGUP_GRACE);
  }

  /** @internal */
  failed({ message }: Error): void {
    this.end({ status: null, signal: null, words: `its process did not start: ${message}` });
  }

  /** @internal */
  exited(status: number | null, signal: NodeJS.Signals | null): void {
    const exit = { status, signal, words: wordsOf(status, signal) };
    clearTimeout(this.grace);
    // What it forked must not outlive it.
    this.kill();
    this.exit = exit;
    this.owner.lost();
    if (this.hungUp) this.end(exit);
    // A host that was busy for so long has yet to read what there is.
    else this.grace = setTimeout(() => setImmediate(() => this.end(exit)), DRAIN_GRACE);
  }

  private end(exit: Exit): void {
    if (this.isOver) return;
    this.isOver = true;
    clearTimeout(this.grace);
    this.input?.destroy();
    this.output?.destroy();
    this.control?.destroy();
    this.releaseLogs();
    this.owner.ended(exit);
  }

  /** A process that left its group may hold the other ends for as long as it likes. */
  private releaseLogs(): void {
    const [, stdout, stderr] = this.child.pipes;
    for (const stream of [stdout, stderr]) if (stream) setTimeout(() => releaseWhenRead(stream, LAST_TURNS), DRAIN_GRACE).unref();
  }

  /** Sends it a signal by its number. @returns whether it was there to get it */
  signal(number: number): boolean {
    if (this.pid === null || this.exit !== null) return false;
    try {
      return process.kill(this.pid, number);
    } catch {
      return false;
    }
  }

  /** Asks it to end, past the protocol. */
  terminate(): void {
    this.signal(constants.signals.SIGTERM);
  }

  /** Ends it, and all that it started; not once it has ended, as its id may be another's then. */
  kill(): void {
    if (this.pid === null || this.exit !== null) return;
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // Nobody is left in the group.
    }
  }
}

function wordsOf(status: number | null, signal: NodeJS.Signals | null): string {
  if (signal !== null) return `ended by ${signal}`;
  return status === null ? 'ended, nobody knows how: something else in the server has waited for it' : `exited with status ${status}`;
}

function closed(stream: Readable): Promise<unknown> {
  return new Promise((resolve) => stream.once('close', resolve));
}

function releaseWhenRead(stream: Socket, turns: number): void {
  const before = stream.bytesRead;
  stream.resume();
  setImmediate(() => {
    if ((stream.bytesRead > before || stream.readableLength > 0) && turns > 0) releaseWhenRead(stream, turns - 1);
    else stream.destroy();
  }).unref();
}
