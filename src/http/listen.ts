import type { AddressInfo, Server } from 'node:net';
import { DlserveError, messageOf } from '../ground/errors';

/** Where a server listens. */
export interface Address {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
}

/**
 * Starts listening.
 * @param handle of a socket that is bound to the address already; without one, a new one is
 * @returns the port in use
 * @throws DlserveError BAD_CONFIG when the address can't be had, with what to do
 */
export async function listen(server: Server, { host, port }: Address, handle?: unknown): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(handle ?? { host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  }).catch((error: unknown) => Promise.reject(cantListen(error, { host, port })));
  return (server.address() as AddressInfo).port;
}

/** The error of an address that can't be had, in words that say what to do. */
export function cantListen(cause: unknown, address: Address): DlserveError {
  return new DlserveError('BAD_CONFIG', { reason: reasonOf(cause, address) }, { cause });
}

function reasonOf(error: unknown, { host, port }: Address): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return `port ${port} on ${host} is taken: stop what listens there, or choose another with --port (0 picks a free one)`;
    case 'EACCES':
      return `this user may not listen on port ${port}: choose one above 1023 with --port`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is no address of this machine: choose another with --host`;
    default:
      return `can't listen on ${host} port ${port}: ${messageOf(error)}`;
  }
}
