import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import { addonFileIfAny } from '../../addon-file';
import type { Child, ChildOwner, Command } from './child';

/** The functions of native/addon/process_calls.c. What fails gives the error's number, below zero. */
interface Addon {
  /** To be called once; `signal` is a number. The process's id is its own until the callback returns. */
  watchExits(callback: (pid: number, status: number | null, signal: number | null) => void): number;
  /**
   * Starts a program.
   * @param text its path, its arguments and the variables of its environment, each ended by NUL
   * @param args how many of those are not variables
   * @param descriptors what each of its descriptors is to be, see {@link Wanted}; in place of PIPE comes our end
   * @returns its process id
   */
  spawn(text: string, args: number, descriptors: Int32Array): number;
  /** Makes memory that other processes can map, and that none can shorten or lengthen. @returns its descriptor */
  createMemory(name: string, size: number): number;
}

/** enum spawn_descriptor of native/addon/spawn.h. */
const Wanted = { PIPE: -1, NOTHING: -2 } as const;

const SIGNALS = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name as NodeJS.Signals]));

/** The processes that were started here, by their ids. */
const owners = new Map<number, ChildOwner>();

let isWatching = false;

/** The addon, once it tells of the ends of processes. */
function addonThatWatches(): Addon | undefined {
  const addon = addonFileIfAny() as Addon | undefined;
  isWatching ||= addon !== undefined && addon.watchExits(exited) === 0;
  return isWatching ? addon : undefined;
}

function exited(pid: number, status: number | null, signal: number | null): void {
  const owner = owners.get(pid);
  owners.delete(pid);
  owner?.exited(status, signal === null ? null : SIGNALS.get(signal)!);
}

/**
 * Starts a process in a time that does not depend on the memory of this one.
 * @returns undefined where the addon can't
 * @throws Error with the system's code, where the system can't
 */
export function startByAddon({ executable, args, stdio }: Command, owner: ChildOwner): Child | undefined {
  const addon = addonThatWatches();
  if (addon === undefined) return undefined;
  const words = [executable, ...args];
  const descriptors = Int32Array.from(stdio, (each) => (each === 'pipe' ? Wanted.PIPE : each === 'ignore' ? Wanted.NOTHING : each));
  const pid = addon.spawn(`${words.join('\0')}\0${environment()}`, words.length, descriptors);
  if (pid < 0) {
    const code = getSystemErrorName(pid);
    throw Object.assign(new Error(`its process did not start: spawn ${executable} ${code}`), { code });
  }
  owners.set(pid, owner);
  return { pid, pipes: socketsOf(stdio, descriptors) };
}

function environment(): string {
  let text = '';
  for (const [name, value] of Object.entries(process.env)) text += `${name}=${value}\0`;
  return text;
}

/** Where one can't be had, the others are closed: the process finds that nobody is there. */
function socketsOf(stdio: Command['stdio'], descriptors: Int32Array): (Socket | undefined)[] {
  const sockets: (Socket | undefined)[] = [];
  try {
    for (const [i, each] of stdio.entries()) sockets.push(each === 'pipe' ? new Socket({ fd: descriptors[i]!, readable: true, writable: true }) : undefined);
    return sockets;
  } catch (error) {
    for (const socket of sockets) socket?.destroy();
    for (const [i, each] of stdio.entries()) if (each === 'pipe' && i >= sockets.length) closeSync(descriptors[i]!);
    throw error;
  }
}

/**
 * Makes memory that other processes can map, and that none can shorten or lengthen.
 * @returns its descriptor; undefined where the addon or the system can't
 */
export function createMemory(name: string, size: number): number | undefined {
  const descriptor = (addonFileIfAny() as Addon | undefined)?.createMemory(name, size) ?? -1;
  return descriptor < 0 ? undefined : descriptor;
}
