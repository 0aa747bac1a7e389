import type { DlserveError } from '../ground/errors';
import type { Reply, ReplyHead } from './reply';

/** Whoever waits for the reply: a door of the server, or a program that has called. */
export interface Recipient {
  /** The reply, whole. The last that it hears. */
  reply(reply: Reply): void;
  /** There is no reply, or no more of it. The last that it hears. */
  fail(error: DlserveError): void;
  /** Status and headers of a reply that comes in parts. */
  begin(head: ReplyHead): void;
  /**
   * The next part of it; an empty one has what was begun leave.
   * @returns whether it takes more at once; else it calls `drained`, once, when it does, or when it never will
   */
  write(part: Buffer, drained: () => void): boolean;
  /** The reply is complete. The last that it hears. */
  end(): void;
  /** It did not wait any more, and the call will not be made, or nothing of it is to be told. The last that it hears. */
  dropped(): void;
}
