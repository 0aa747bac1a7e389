import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import { processAddon, Wanted, type ProcessAddon } from '../process-addon';
import type { Child, ChildOwner, Command } from './child';

/** Of several names the first: SIGABRT, and not SIGIOT. */
const SIGNALS = new Map(Object.entries(constants.signals).reverse().map(([name, number]) => [number, name as NodeJS.Signals]));

/** The processes that were started here, by their ids. */
const owners = new Map<number, ChildOwner>();

let watched = -1;

/** The number under which the addon tells this module of the ends of processes; below zero where it can't. */
function watching(addon: ProcessAddon): number {
  if (watched < 0) watched = addon.watchExits(exited);
  return watched;
}

function exited(pid: number, status: number | null, signal: number | null): void {
  const owner = owners.get(pid);
  owners.delete(pid);
  // Those of real time have no names.
  owner?.exited(status, signal === null ? null : (SIGNALS.get(signal) ?? (`signal ${signal}` as NodeJS.Signals)));
}

/** Bun's net makes no sockets of descriptors. */
const CAN_READ_DESCRIPTORS = process.versions.bun === undefined;

/**
 * Starts a process in a time that does not depend on the memory of this one.
 * @returns undefined where the addon can't
 * @throws Error with the system's code, where the system can't
 */
export function startByAddon({ executable, args, stdio }: Command, owner: ChildOwner): Child | undefined {
  const addon = CAN_READ_DESCRIPTORS ? processAddon() : undefined;
  const told = addon === undefined ? -1 : watching(addon);
  if (addon === undefined || told < 0) return undefined;
  const words = [executable, ...args];
  const descriptors = Int32Array.from(stdio, (each) => (each === 'pipe' ? Wanted.PIPE : each === 'ignore' ? Wanted.NOTHING : each));
  const pid = addon.spawn(told, `${words.join('\0')}\0${environment()}`, words.length, descriptors);
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
