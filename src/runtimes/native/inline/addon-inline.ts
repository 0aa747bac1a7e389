import { HOST_ABI } from '../../../binary/exports';
import { Outcome, Records, type Addon, type Body } from '../addon';
import type { OpenImage } from '../images';
import type { NativeSource } from '../keys';
import { bindLane, openLane } from '../lane';
import { refuse } from '../refusals';
import { openInline } from './instance';

/** Mode "inline" with the addon: one call into C makes the text, calls the handler, takes its reply and frees it. */
export function addonInline(addon: Addon): (source: NativeSource) => Promise<OpenImage> {
  const records = new Records();
  const hub = records.createHub(addon, () => undefined);
  return (source) =>
    openInline(
      source,
      HOST_ABI,
      () => {
        if (source.settings.own.ownsymbols) addon.bindOwn(source.file.path);
      },
      (library) => {
        const lane = openLane(addon, hub, source);
        bindLane(addon, lane, library);
        return {
          invoke: (exchange) => {
            const { handler, text, body, limits } = exchange;
            const given = addon.invoke(lane, handler.index, text, body, limits.ownAt, limits.timeout);
            const outcome = records.outcome(0);
            if (outcome !== Outcome.REPLY) refuse(source, exchange, outcome, given);
            else exchange.reply({ status: records.status(0), body: given as Exclude<Body, number>, headers: records.takeHeaders(0) });
          },
          end: () => addon.dropLane(lane),
        };
      },
    );
}
