/** Throws an error of others in a turn of the event loop of its own, where it keeps nobody from anything. */
export function surface(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
