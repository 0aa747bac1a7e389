import type { Logger } from '../../ground/log';
import type { Builds } from '../../host/builds';

/** A server that listens. */
export interface Started {
  readonly url: string;
  /** Where its sources are compiled. */
  readonly builds: Builds;
  readonly log: Logger;
}
