import type { DlserveError } from '../ground/errors';
import type { Fault } from '../plugin/fault';
import type { State } from '../plugin/state';

/** What a host tells of its plugins. */
export interface HostEvents {
  /** A plugin's state has changed. */
  state: [{ readonly plugin: string; readonly state: State; readonly error?: DlserveError | undefined }];
  /** Something went wrong in a plugin. */
  fault: [{ readonly plugin: string; readonly fault: Fault }];
  /** Another generation of a plugin answers. */
  reloaded: [{ readonly plugin: string; readonly generation: number; readonly ms: number }];
}
