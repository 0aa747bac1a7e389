import type { Prepared } from './prepare';

/** A server that listens. */
export interface Started extends Prepared {
  readonly url: string;
}
