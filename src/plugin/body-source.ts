/** A request body that comes while its handler runs. */
export interface BodySource {
  /**
   * The next bytes, once there are some; null at the end of the body. One call at a time.
   * @throws when the body breaks off: its client has gone
   */
  next(): Promise<Buffer | null>;
}

/** A body that is there already. */
export function bodyOfParts(parts: readonly Buffer[]): BodySource {
  const left = parts.filter(({ length }) => length > 0);
  return { next: () => Promise.resolve(left.shift() ?? null) };
}
