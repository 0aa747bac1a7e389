import type { DlserveError } from '../../ground/errors';
import type { Exchange } from '../../plugin/exchange';

/** Whoever has calls for the workers. */
export interface PoolUser {
  /** Calls that wait for a worker. */
  readonly waiting: number;
  /** A worker may have room. */
  hasRoom(): void;
  /** Calls that a worker was given and never began: they go before those that wait. */
  takeBack(exchanges: readonly Exchange[]): void;
  /** There will be no worker for those that wait. */
  refuse(error: DlserveError): void;
}
