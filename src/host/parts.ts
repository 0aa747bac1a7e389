import type { DlserveError } from '../ground/errors';
import type { Logger } from '../ground/log';
import type { Fault } from '../plugin/fault';
import type { PluginRoute } from '../plugin/route';
import type { PluginSettings } from '../plugin/runtime';
import type { Service } from '../plugin/services';
import type { State } from '../plugin/state';
import type { Builds } from './builds';
import type { State as PluginState } from './services/state/state';

/** What a host is made of. */
export interface HostParts {
  readonly pluginpath: string;
  readonly settings: (name: string) => PluginSettings;
  /** The same as they were if its mode was "process". */
  readonly isolated: (name: string) => PluginSettings;
  readonly builds: Builds;
  /** Those that the configuration gives to plugins, by their names. */
  readonly routes?: ReadonlyMap<string, readonly PluginRoute[]>;
  readonly log: Logger;
  /** What plugins keep; it is closed with the host. */
  readonly state: PluginState;
  /** What the program offers its plugins. */
  readonly services?: Readonly<Record<string, Service>> | undefined;
  /** Whether a plugin whose source does not compile answers that, rather than as it did before: for whoever writes it. */
  readonly showsBuildErrors?: boolean | undefined;
}

/** What a host tells of its plugins. */
export interface HostEvents {
  /** A plugin's state has changed. */
  state: [{ readonly plugin: string; readonly state: State; readonly error?: DlserveError | undefined }];
  /** Something went wrong in a plugin. */
  fault: [{ readonly plugin: string; readonly fault: Fault }];
  /** A plugin holds a thread for longer than it may, and is demoted for that. */
  demoted: [{ readonly name: string; readonly reason: string; readonly fingerprint: string }];
  /** Another generation of a plugin answers. */
  reloaded: [{ readonly plugin: string; readonly generation: number; readonly ms: number }];
}
