import type { Details } from '../../ground/errors';
import type { Operation } from '../../host/services/state/operation';
import type { Answer } from '../../plugin/services';
import type { FlagValues } from '../flags';

/** Every message between the primary and its server processes, and what else they are given. */

/** The descriptor of the file in which a server process publishes which handlers it is running, for the primary to read. */
export const STATUS_FILE = 4;

/** A plugin that is to run in mode "process", whatever its configuration says. */
export interface Demotion {
  readonly name: string;
  /** What it did, in words. */
  readonly reason: string;
  /** Of the file that did it: another one has not earned it. Undefined where that is not known. */
  readonly fingerprint?: string | undefined;
}

/** The primary's first message: what a server process is to do. */
export interface Start {
  readonly type: 'start';
  /** The primary's own. */
  readonly flags: FlagValues;
  /** The text of the configuration file as the primary has read it; null where there is none. */
  readonly text: string | null;
  /** The configured one may be 0. */
  readonly port: number;
  /** Whether the socket that it listens on comes with this; else it makes one of its own, through node:cluster. */
  readonly hasSocket: boolean;
  /** There are no other server processes to tell it from. */
  readonly isOnly: boolean;
  readonly demoted: readonly Demotion[];
}

/** A server process serves from now on. */
export interface Listening {
  readonly type: 'listening';
}

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

/** A plugin in a server process asks for the state, which the primary has; it must answer with a StateAnswer of the same number. */
export interface AskState {
  readonly type: 'ask-state';
  readonly number: number;
  readonly plugin: string;
  readonly operation: Operation;
}

export interface StateAnswer {
  readonly type: 'state-answer';
  readonly number: number;
  readonly answer: Answer;
}

/** A server process can't start, and another one could not either; before the server is up, the primary ends with these words. */
export interface Fatal {
  readonly type: 'fatal';
  readonly message: string;
}

/** The primary has seen a plugin crash or hold up a server process; it may be another one than that which is told. */
export interface Demote extends Demotion {
  readonly type: 'demote';
}

/** The primary was asked to reload: every plugin that has changed is opened anew. */
export interface Reload {
  readonly type: 'reload';
}

/** The file or the source of a plugin may have changed. */
export interface Changed {
  readonly type: 'changed';
  readonly name: string;
}

/** The file of a plugin is gone. */
export interface Gone {
  readonly type: 'gone';
  readonly name: string;
}

/** A server process has demoted a plugin: it holds for the others, and for those that come later. */
export interface Demoted extends Demotion {
  readonly type: 'demoted';
}

export type ToPrimary = Listening | Wait | AskState | Fatal | Demoted;
export type FromPrimary = Start | Built | StateAnswer | Order;

/** What is to be done with plugins. */
export type Order = Demote | Reload | Changed | Gone;
