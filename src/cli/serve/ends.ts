import type { Running } from '../../runtimes/registry';
import type { End } from './server-process';

/** The signals by which people and systems end a process, whatever it is at. */
const FROM_ELSEWHERE: readonly (string | null)[] = ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'];

/**
 * Whether a plugin may have ended its server process, by a signal or by `exit`. One that ends by itself says before that nothing
 * runs in it.
 */
export function isCrash({ code, signal, running }: End): boolean {
  return (code !== null || signal !== null) && running.length > 0 && !FROM_ELSEWHERE.includes(signal);
}

/** What ran in a process when it died, for its log line. */
export function suspectsOf(running: readonly Running[]): string {
  return running.length === 0 ? '' : `, in ${running.map(({ plugin, symbol }) => `${symbol} of ${plugin}`).join(', ')}`;
}
