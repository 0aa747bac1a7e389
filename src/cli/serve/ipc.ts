import type { Details } from '../../ground/errors';

/** Every message between the primary and its server processes, workers of node:cluster. */

/** The environment variable in which a server process finds its port: the configured one may be 0. */
export const SERVER_PORT = 'DLSERVE_SERVER_PORT';

/** The descriptor of the file in which a server process publishes which handlers it is running, for the primary to read after its death. */
export const STATUS_FILE = 4;

/** A server process asks whether a plugin's source is compiled; the primary must answer with a Built of the same name. */
export interface Wait {
  readonly type: 'wait';
  readonly name: string;
}

/** The primary answers a Wait when the plugin can be opened, or never can. */
export interface Built {
  readonly type: 'built';
  readonly name: string;
  /** Details of a BUILD_FAILED; absent: go on. */
  readonly failed?: Details;
}

/** A server process can't start, and another one could not either; before the server is up, the primary ends with these words. */
export interface Fatal {
  readonly type: 'fatal';
  readonly message: string;
}

export type ToPrimary = Wait | Fatal;
export type FromPrimary = Built;
