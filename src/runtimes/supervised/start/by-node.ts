import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { needDescriptors } from '../../../ground/descriptors';
import type { Child, ChildOwner, Command } from './child';

/**
 * Starts a process as Node.js does: by a fork of this one, which takes the longer the more memory it has.
 * @throws what spawn throws, and for want of descriptors; most failures are told to the owner instead
 */
export function startByNode({ executable, args, stdio }: Command, owner: ChildOwner): Child {
  needDescriptors();
  const child = spawn(executable, args, { detached: true, stdio: [...stdio] });
  child.on('exit', (status, signal) => owner.exited(status, signal));
  child.on('error', (error) => {
    if (child.pid === undefined) owner.failed(error);
  });
  child.unref();
  if (child.pid === undefined) return { pid: null, pipes: [] };
  return { pid: child.pid, pipes: stdio.map((each, i) => (each === 'pipe' ? (child.stdio[i as 3] as unknown as Socket) : undefined)) };
}
