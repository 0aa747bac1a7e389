import type { ServerResponse } from 'node:http';

/**
 * Cuts off a client that reads nothing of what was written for so long, by node:http's own time limit of the socket. After the answer the
 * time of a connection that is kept alive is node:http's affair; where it has set none, that stays so.
 * @param limit milliseconds; 0 is no limit
 */
export function limitWriting(res: ServerResponse, limit: number): void {
  const { socket } = res;
  if (limit === 0 || socket === null || socket.writableLength === 0) return;
  const before = socket.timeout ?? 0;
  socket.setTimeout(limit);
  res.once('finish', () => {
    if (socket.timeout === limit) socket.setTimeout(before);
  });
}
