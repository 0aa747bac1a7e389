import { addonIfAny } from './addon';

/**
 * Collects garbage, and gives memory back to the system that this process has freed and still holds: the C library keeps what it took at
 * the worst moment. Without the addon nothing happens.
 */
export function relieveMemory(): void {
  addonIfAny()?.relieveMemory();
}

/** Frees what is behind a buffer now, and not when garbage is collected: it is empty then. Without the addon nothing happens. */
export function freeBuffer(buffer: Buffer): void {
  addonIfAny()?.detach(buffer);
}

/**
 * Memory for bodies: mode "thread" reads them where they are, without a copy. What is in it at first is not said.
 * @param size bytes
 * @throws RangeError when memory is out
 */
export function makeRoom(size: number): Buffer {
  return addonIfAny()?.makeRoom(size) ?? Buffer.allocUnsafeSlow(size);
}
