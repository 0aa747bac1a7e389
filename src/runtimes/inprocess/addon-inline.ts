import { Outcome, Records, type Addon, type Body } from './addon';
import { InlineRuntime } from './inline';
import { openLane } from './lane';
import { noReply } from './refusals';

/** Mode "inline" with the addon: one call into C makes the text, calls the handler, takes its reply and frees it. */
export function addonInline(addon: Addon): InlineRuntime {
  const records = new Records();
  const hub = records.createHub(addon, () => undefined);
  return new InlineRuntime((source, library) => {
    const lane = openLane(addon, hub, source, library);
    return {
      invoke: (call) => {
        const body = addon.invoke(lane, call.symbol, call.request, call.body, call.deadline);
        if (records.outcome(0) !== Outcome.REPLY) throw noReply(source, call, records.outcome(0), body);
        return { status: records.status(0), body: body as Exclude<Body, number>, headers: records.takeHeaders(0) };
      },
      end: () => addon.dropLane(lane),
    };
  });
}
