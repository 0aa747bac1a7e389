import type { Exchange } from '../../plugin/exchange';
import type { NativeSource } from './keys';

/** Says that a handler wrote to the log faster than that could be taken. */
export function logLost({ log, name }: NativeSource, { handler, id }: Exchange, count: number): void {
  log.warn({ plugin: name, handler: handler.symbol, request: id }, `${count} lines of its log came too fast, and are lost`);
}
