import { addonFileIfAny } from '../addon-file';

/** The functions of native/addon/process_calls.c. What fails gives the error's number, below zero. */
export interface ProcessAddon {
  /**
   * Begins to tell a listener of the ends of processes; `signal` is a number. The process's id is its own until it returns.
   * @returns the listener's number
   */
  watchExits(callback: (pid: number, status: number | null, signal: number | null) => void): number;
  /**
   * Starts a program.
   * @param told the number of who hears of its end
   * @param text its path, its arguments and the variables of its environment, each ended by NUL
   * @param args how many of those are not variables
   * @param descriptors what each of its descriptors is to be, see {@link Wanted}; in place of PIPE comes our end
   * @returns its process id
   */
  spawn(told: number, text: string, args: number, descriptors: Int32Array): number;
  /** Makes memory that other processes can map, and that none can shorten or lengthen. @returns its descriptor */
  createMemory(name: string, size: number): number;
}

/** enum spawn_descriptor of native/addon/spawn.h. */
export const Wanted = { PIPE: -1, NOTHING: -2 } as const;

/** The addon where there is one. */
export function processAddon(): ProcessAddon | undefined {
  return addonFileIfAny() as ProcessAddon | undefined;
}
