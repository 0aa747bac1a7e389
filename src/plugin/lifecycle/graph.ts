/** Who comes after whom. A name without an entry comes after nobody. */
export type After = ReadonlyMap<string, readonly string[]>;

/**
 * A way that leads back to where it began.
 * @returns the names on it, the first of which is the last again; undefined where there is none
 */
export function findCycle(after: After): string[] | undefined {
  const done = new Set<string>();
  for (const start of after.keys()) {
    // A loop, not a recursion: a chain may be longer than the stack.
    const trail: string[] = [];
    const onTrail = new Set<string>();
    const left: Iterator<string>[] = [];
    const enter = (name: string): void => {
      trail.push(name);
      onTrail.add(name);
      left.push((after.get(name) ?? []).values());
    };
    if (!done.has(start)) enter(start);
    while (trail.length > 0) {
      const next = left.at(-1)!.next();
      if (next.done === true) {
        const finished = trail.pop()!;
        left.pop();
        onTrail.delete(finished);
        done.add(finished);
      } else if (onTrail.has(next.value)) {
        return [...trail.slice(trail.indexOf(next.value)), next.value];
      } else if (!done.has(next.value)) {
        enter(next.value);
      }
    }
  }
  return undefined;
}

/** These names and all that they come after, near or far. */
export function withPredecessors(names: Iterable<string>, after: (name: string) => readonly string[]): Set<string> {
  const found = new Set(names);
  // A set that grows while it is walked is walked to its end.
  for (const name of found) for (const earlier of after(name)) found.add(earlier);
  return found;
}

/** A cycle as a person reads it: "a comes after b, which comes after a". */
export function describeCycle([first, ...rest]: readonly string[]): string {
  return `${first} comes after ${rest.join(', which comes after ')}`;
}
