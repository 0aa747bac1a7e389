import type { ServerResponse } from 'node:http';

/** Those whose clients wait to be told that they may send a body. */
const held = new WeakSet<ServerResponse>();

/**
 * A client has asked first ("Expect: 100-continue"), and is told no unless {@link letSend} says otherwise. It may send its next request
 * at once then, so the connection can't be read on.
 */
export function holdBack(res: ServerResponse): void {
  held.add(res);
  res.setHeader('Connection', 'close');
}

/** The client may send its body after all, if it waits for that. */
export function letSend(res: ServerResponse): void {
  if (!held.delete(res)) return;
  res.removeHeader('Connection');
  res.writeContinue();
}
