import { createHook } from 'node:async_hooks';

/** What Node.js made for a call of process.nextTick. */
let kept: object | undefined;

/**
 * Keeps process.nextTick fast, which every request uses several times. The hidden class of the objects that it makes lives only as long
 * as one of them: a full garbage collection at a moment when no tick waits takes it along, and V8 never forgives the place in
 * Node.js that defines computed keys (`DefineKeyedOwnPropertyInLiteral`) a second class. From then on each tick costs a call of its
 * runtime, four times as much, until the process ends. One such object that is kept, keeps the class. To be called early, before the
 * first such collection; called again, it does nothing.
 */
export function keepTickShape(): void {
  if (kept !== undefined) return;
  const hook = createHook({
    init(_id, type, _trigger, resource) {
      if (type === 'TickObject') kept = resource;
    },
  });
  hook.enable();
  process.nextTick(() => undefined);
  hook.disable();
}
