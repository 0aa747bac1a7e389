import { Invocation } from './invocation';
import { InlineRuntime } from './inline';
import { PluginMemory } from './plugin-memory';
import { tooLate } from './refusals';

/** Mode "inline" without the addon: koffi's own calls. */
export function koffiInline(): InlineRuntime {
  return new InlineRuntime((source, library) => {
    const invocation = new Invocation(new PluginMemory(library));
    const handlers = source.symbols.map((symbol) => library.handler(symbol));
    return {
      invoke: (call) => {
        if (call.deadline <= performance.now()) throw tooLate(source, call);
        const string = handlers[call.symbol]!(...invocation.begin(call)) as bigint | null;
        return invocation.end(string, source.symbols[call.symbol]!);
      },
      end: () => undefined,
    };
  });
}
