import type { SendHandle, StdioOptions } from 'node:child_process';
import type { Cluster } from 'node:cluster';
import { createServer } from 'node:net';
import { listen, type Address } from '../../http/listen';
import { bind, type BoundSocket } from './bind';
import { dismissEarly, takeEarly } from './early';
import { forkServer, PROGRAM, withStatusFile, type Forked } from './fork';

/** Where server processes listen, and how those are started that do. */
export interface Place {
  /** Not 0. */
  readonly port: number;
  /** The socket that each is given with its Start; without one it makes its own, through node:cluster. */
  readonly socket: SendHandle | undefined;
  /** Starts a server process. @throws Error where the system can't */
  fork(): Forked;
  /** Nobody is to come any more. */
  close(): void;
}

/**
 * @param count how many server processes there are to be at a time
 * @throws DlserveError BAD_CONFIG when the address can't be had
 */
export async function choosePlace(address: Address, count: number): Promise<Place> {
  const socket = count === 1 ? await bind(address) : undefined;
  return socket === undefined ? shared(await choosePort(address)) : ofOne(socket);
}

/** One process after the other has the same socket. While there is none, connections wait in it. */
function ofOne(socket: BoundSocket): Place {
  return { port: socket.port, socket: socket.handle, fork: () => takeEarly() ?? forkServer(), close: () => socket.close() };
}

/** The connections come to the primary, which hands each to a process of node:cluster. */
function shared(port: number): Place {
  dismissEarly();
  const cluster = require('node:cluster') as Cluster;
  return {
    port,
    socket: undefined,
    fork: () =>
      withStatusFile((statusFile) => {
        const stdio: StdioOptions = ['inherit', 'inherit', 'inherit', 'ipc', statusFile];
        cluster.setupPrimary({ exec: PROGRAM, args: [], stdio });
        // What the process itself has to say of an error is heard already.
        return cluster.fork().on('error', () => undefined).process;
      }),
    close: () => undefined,
  };
}

/** Chosen once, so that those who come later listen on the same one; nobody knows it yet who could be refused between. */
async function choosePort({ host, port }: Address): Promise<number> {
  if (port !== 0) return port;
  const probe = createServer();
  const free = await listen(probe, { host, port });
  await new Promise((resolve) => probe.close(resolve));
  return free;
}
