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
