import type { SendHandle } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import net from 'node:net';
import { getSystemErrorMap } from 'node:util';
import { cantListen, type Address } from '../../http/listen';

/** A socket that is bound to an address. Connections come once a process listens on it, and wait in it while none takes them. */
export interface BoundSocket {
  readonly port: number;
  /** To be sent to processes. */
  readonly handle: SendHandle;
  readonly close: () => void;
}

/** What node:net has of it. */
interface Handle {
  /** 0, or the number of an error. */
  getsockname(into: { port?: number }): number;
  readonly close: () => void;
}

/** How node:net and node:cluster make a socket that nobody listens on yet; it is exported, and not documented. */
type CreateHandle = (address: string, port: number, family: number) => Handle | number;

/**
 * Binds a socket without listening on it.
 * @returns undefined where this Node.js has no way to
 * @throws DlserveError BAD_CONFIG when the address can't be had
 */
export async function bind(address: Address): Promise<BoundSocket | undefined> {
  const { _createServerHandle: create } = net as unknown as { _createServerHandle?: CreateHandle };
  if (typeof create !== 'function') return undefined;
  const { address: ip, family } = await lookup(address.host).catch((error: unknown) => Promise.reject(cantListen(error, address)));
  const handle = create(ip, address.port, family);
  if (typeof handle === 'number') throw refused(handle, address);
  const name: { port?: number } = {};
  // That the port is taken is told not by binding, but by whatever comes next.
  const error = handle.getsockname(name);
  if (error !== 0) {
    handle.close();
    throw refused(error, address);
  }
  return { port: name.port!, handle: handle as unknown as SendHandle, close: () => handle.close() };
}

function refused(number: number, address: Address): Error {
  const [code, words] = getSystemErrorMap().get(number) ?? ['UNKNOWN', `error ${number}`];
  return cantListen(Object.assign(new Error(`listen ${code}: ${words} ${address.host}:${address.port}`), { code }), address);
}
