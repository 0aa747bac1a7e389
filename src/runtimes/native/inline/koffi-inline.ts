import type { PluginSource } from '../../../plugin/runtime';
import type { OpenImage } from '../images';
import { Invocation } from '../koffi/invocation';
import { PluginMemory } from '../koffi/plugin-memory';
import { openInline } from './instance';

/** Mode "inline" without the addon: koffi's own calls. */
export function koffiInline(opened: PluginSource): Promise<OpenImage> {
  return openInline(opened, (source, library) => {
    const invocation = new Invocation(new PluginMemory(library));
    const handlers = source.handlers.symbols.map((symbol) => library.handler(symbol));
    return {
      invoke: (exchange) => {
        if (exchange.deadline.left <= 0) {
          exchange.failLate();
          return;
        }
        const string = handlers[exchange.handler.index]!(...invocation.begin(exchange)) as bigint | null;
        exchange.reply(invocation.end(string, exchange.handler.symbol));
      },
      end: () => undefined,
    };
  });
}
