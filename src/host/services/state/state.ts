import type { Answer } from '../../../plugin/services';
import type { Operation } from './operation';
import type { StateLimits } from './table';

/** Where plugins keep what is to outlive them: one for all processes of a server. */
export interface State {
  /** Never rejects. */
  apply(plugin: string, operation: Operation): Promise<Answer>;
  close(): Promise<void>;
}

export interface StateSettings extends StateLimits {
  /** The folder where it is kept, absolute; undefined: in memory alone. */
  readonly file: string | undefined;
}
