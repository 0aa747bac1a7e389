import { startByAddon } from './by-addon';
import { startByNode } from './by-node';
import type { Child, ChildOwner, Command } from './child';

/**
 * Starts a process in a session of its own: all that it starts can be ended as one group, and Ctrl-C is the host's affair.
 * @throws where the system can't
 */
export function start(command: Command, owner: ChildOwner): Child {
  return startByAddon(command, owner) ?? startByNode(command, owner);
}
