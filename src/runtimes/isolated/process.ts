import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import path from 'node:path';
import type { PluginSource } from '../../contract/runtime';
import { logLines } from './output';
import { CALLS_FD, REPLIES_FD } from './protocol';

/** How a process ended. */
export interface Exit {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** In words, for an error's message. */
  readonly words: string;
}

/** Whoever listens to a runner's process. */
export interface ProcessOwner {
  receive(chunk: Buffer): void;
  /** It ended, or hung up: there is no use in sending it more. */
  lost(): void;
  /** It ended, and all that it sent was received. */
  ended(exit: Exit): void;
}

/** Milliseconds that it has to end by itself after it hung up, and its socket to be read to the end after it ended. */
const HANGUP_GRACE = 1000;
const DRAIN_GRACE = 200;

/** The process of a runner, with its sockets, its output and all that it starts. */
export class RunnerProcess {
  /** null: it did not start. */
  readonly pid: number | null;
  /** Where calls are written; null as the pid. */
  readonly calls: Socket | null;
  private readonly child: ChildProcess;
  private readonly owner: ProcessOwner;
  private readonly replies: Socket | null;
  private exit: Exit | null = null;
  private hungUp = false;
  private isOver = false;
  /** Of HANGUP_GRACE or DRAIN_GRACE. */
  private grace: NodeJS.Timeout | undefined;

  /**
   * @param executable the runner
   * @param shared descriptor of the shared file
   * @throws what spawn throws; most failures are an end instead
   */
  constructor(executable: string, shared: number, source: PluginSource, owner: ProcessOwner) {
    this.owner = owner;
    this.child = spawn(executable, [path.basename(source.path), String(process.pid)], {
      // A session of its own: all that the library starts can be ended as one group, and Ctrl-C is the host's affair.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe', shared],
    });
    this.pid = this.child.pid ?? null;
    this.child.on('error', (error) => {
      if (this.pid === null) this.end({ status: null, signal: null, words: `its process did not start: ${error.message}` });
    });
    this.calls = this.pid === null ? null : (this.child.stdio[CALLS_FD] as Socket);
    this.replies = this.pid === null ? null : (this.child.stdio[REPLIES_FD] as Socket);
    if (this.pid !== null) this.listen(this.pid, source);
  }

  private listen(pid: number, { name, log }: PluginSource): void {
    const { child } = this;
    const calls = this.calls!;
    const replies = this.replies!;
    logLines(child.stdout!, log, 'info', { plugin: name, stream: 'stdout', pid });
    logLines(child.stderr!, log, 'warn', { plugin: name, stream: 'stderr', pid });
    // Two sockets, because one that fails to write is closed, and what was not yet read from it is lost.
    calls.on('error', () => undefined).resume();
    replies.on('error', () => undefined);
    replies.on('data', (chunk: Buffer) => this.owner.receive(chunk));
    replies.on('close', () => this.hangUp());
    child.on('exit', (status, signal) => this.exited(status, signal));
    // The plugin's timers hold the event loop while there is something to wait for.
    child.unref();
    for (const socket of [child.stdout, child.stderr, calls, replies]) (socket as Socket).unref();
  }

  private hangUp(): void {
    this.hungUp = true;
    this.owner.lost();
    if (this.exit !== null) this.end(this.exit);
    else this.grace = setTimeout(() => this.kill(), HANGUP_GRACE);
  }

  private exited(status: number | null, signal: NodeJS.Signals | null): void {
    const words = signal === null ? `exited with status ${status}` : `ended by ${signal}`;
    const exit = { status, signal, words };
    clearTimeout(this.grace);
    // What it forked must not outlive it.
    this.kill();
    this.exit = exit;
    this.owner.lost();
    if (this.hungUp) this.end(exit);
    else this.grace = setTimeout(() => this.end(exit), DRAIN_GRACE);
  }

  private end(exit: Exit): void {
    if (this.isOver) return;
    this.isOver = true;
    clearTimeout(this.grace);
    this.calls?.destroy();
    this.replies?.destroy();
    this.owner.ended(exit);
  }

  /** Asks it to end, past the protocol. */
  terminate(): void {
    this.child.kill('SIGTERM');
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
