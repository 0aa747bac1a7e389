import { HOST_ABI } from '../../../binary/exports';
import type { Exchange } from '../../../plugin/exchange';
import { Outcome, Records, type Addon, type Body } from '../addon';
import type { OpenImage } from '../images';
import type { NativeSource } from '../keys';
import { bindLane, openLane } from '../lane';
import { refuse } from '../refusals';
import { logLost } from '../lost-lines';
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
            const lines = records.takeLines();
            if (lines !== null) logLines(source, exchange, lines);
            if (outcome !== Outcome.REPLY) refuse(source, exchange, outcome, given);
            else exchange.reply({ status: records.status(0), body: given as Exclude<Body, number>, headers: records.takeHeaders(0) });
          },
          end: () => addon.dropLane(lane),
        };
      },
    );
}

/** @param lines level and text in turn, and at last how many are lost */
function logLines(source: NativeSource, exchange: Exchange, lines: readonly (number | string)[]): void {
  for (let at = 0; at + 1 < lines.length; at += 2) source.services.log(exchange, lines[at] as number, lines[at + 1] as string);
  const lost = lines.at(-1) as number;
  if (lost > 0) logLost(source, exchange, lost);
}
