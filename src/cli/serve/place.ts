import { fork, type ChildProcess, type StdioOptions } from 'node:child_process';
import cluster from 'node:cluster';
import { createServer } from 'node:net';
import path from 'node:path';
import { listen, type Address } from '../../http/listen';
import { bind, type BoundSocket } from './bind';

/** Where server processes listen, and how those are started that do. */
export interface Place {
  /** Not 0. */
  readonly port: number;
  /** Whether each is given the socket, as {@link SOCKET}. */
  readonly hasSocket: boolean;
  /**
   * Starts a server process.
   * @param statusFile is its STATUS_FILE
   */
  fork(statusFile: number): ChildProcess;
  /** Nobody is to come any more. */
  close(): void;
}

const PROGRAM = path.join(__dirname, 'server-process-main.js');

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
  // The inspector of the primary has its port.
  const execArgv = process.execArgv.filter((argument) => !argument.startsWith('--inspect'));
  return {
    port: socket.port,
    hasSocket: true,
    fork: (statusFile) => fork(PROGRAM, [], { execArgv, stdio: ['inherit', 'inherit', 'inherit', 'ipc', statusFile, socket.descriptor] }),
    close: () => socket.close(),
  };
}

/** The connections come to the primary, which hands each to a process of node:cluster. */
function shared(port: number): Place {
  return {
    port,
    hasSocket: false,
    fork: (statusFile) => {
      const stdio: StdioOptions = ['inherit', 'inherit', 'inherit', 'ipc', statusFile];
      cluster.setupPrimary({ exec: PROGRAM, args: [], stdio });
      // What the process itself has to say of an error is heard already.
      return cluster.fork().on('error', () => undefined).process;
    },
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
