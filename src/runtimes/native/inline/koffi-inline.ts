import type { OpenImage } from '../images';
import type { NativeSource } from '../keys';
import { Invocation, KOFFI_ABI } from '../koffi/invocation';
import { PluginMemory } from '../koffi/plugin-memory';
import { openInline } from './instance';

/** Mode "inline" without the addon: koffi's own calls. */
export function koffiInline(source: NativeSource): Promise<OpenImage> {
  return openInline(
    source,
    KOFFI_ABI,
    () => undefined,
    (library) => {
      const invocation = new Invocation(new PluginMemory(library));
      const handlers = source.handlers.symbols.map((symbol) => library.handler(symbol));
      return {
        invoke: (exchange) => {
          if (exchange.limits.ownAt <= performance.now()) {
            exchange.skip();
            return;
          }
          const string = handlers[exchange.handler.index]!(...invocation.begin(exchange)) as bigint | null;
          exchange.reply(invocation.end(string, exchange.handler.symbol));
        },
        end: () => undefined,
      };
    },
  );
}
