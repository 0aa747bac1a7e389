import { closeSync, openSync } from 'node:fs';

/** What starting a process takes: two for each of four pipes, two by which it tells that it began, and some for whoever else needs one now. */
const OF_A_PROCESS = 16;

/**
 * To be called right before a process is started: where descriptors run out in the middle of that, Node.js loses those that it had got.
 * @throws Error whose cause has the code EMFILE or ENFILE
 */
export function needDescriptors(): void {
  const taken: number[] = [];
  try {
    while (taken.length < OF_A_PROCESS) taken.push(openSync('/dev/null', 'r'));
  } catch (cause) {
    throw new Error(`no descriptors are left to start a process with (${(cause as NodeJS.ErrnoException).code})`, { cause });
  } finally {
    for (const descriptor of taken) closeSync(descriptor);
  }
}
