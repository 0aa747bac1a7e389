import type { DlserveError } from '../../ground/errors';
import type { Exchange } from '../../plugin/exchange';

/** Whoever has calls for the workers. */
export interface PoolUser {
  /** Calls that wait for a worker. */
  readonly waiting: number;
  /** Calls that have left the queue for a worker, ever. */
  readonly through: number;
  /** A worker may have room. */
  hasRoom(): void;
  /** Calls that a worker was given and never began: they go before those that wait. */
  takeBack(exchanges: readonly Exchange[]): void;
  /** There will be no worker for those that wait and for which there is an error. */
  refuse(errorOf: (exchange: Exchange) => DlserveError | undefined): void;
}
