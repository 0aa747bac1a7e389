import { MAX_REPLY } from '../../../plugin/reply';
import { MAX_REPLY_HEADERS } from '../../../plugin/reply-headers';
import { ANY_CONCURRENCY, type PluginSource } from '../../../plugin/runtime';
import type { SupervisedKeys } from '../keys';
import type { Program } from '../process';
import { helloFrame, openFrame } from './greeting';
import { CALLS_FD, CONTROL_FD, REPLIES_FD } from './protocol';

/**
 * How a runner is started.
 * @param shared the descriptor of the shared file
 * @param area that of the area; null where there is none
 */
export function programOf(executable: string, shared: number, area: number | null, source: PluginSource): Program {
  return {
    executable,
    args: [source.file.base, String(process.pid)],
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe', shared, 'pipe', area ?? 'ignore'],
    input: CALLS_FD,
    output: REPLIES_FD,
    control: CONTROL_FD,
  };
}

/** What a runner is told first: HELLO and OPEN. */
export function opening({ file, handlers, settings }: PluginSource<SupervisedKeys>): Buffer {
  const open = openFrame({
    path: file.path,
    config: JSON.stringify(settings.config),
    symbols: handlers.symbols,
    concurrency: settings.concurrency === 0 ? ANY_CONCURRENCY : (settings.concurrency ?? 0),
    any: ANY_CONCURRENCY,
    memory: settings.own.memory,
    timeout: settings.timeout,
    largestReply: MAX_REPLY,
    mostHeaders: MAX_REPLY_HEADERS,
  });
  return Buffer.concat([helloFrame(), open]);
}
