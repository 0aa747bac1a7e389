import { key, type Values } from '../../ground/key';
import { duration, integer, size } from '../../ground/value-types';

/** The configuration keys of everything that runs plugins in processes of their own. */
export const SUPERVISED_KEYS = {
  workers: key('plugins.workers', integer(1, 64), 1, 'processes of each plugin, mode "process"'),
  memory: key(
    'plugins.memory',
    size('16MB', '1024TB', true),
    '',
    'the most memory that a process may have of its own, mode "process"; "" is no limit',
  ),
  crashes: key(
    'plugins.crashes',
    integer(1, 1_000_000),
    5,
    'crashes within crashwindow that a plugin may have; at one more it rests, mode "process"',
  ),
  crashwindow: key('plugins.crashwindow', duration('1ms', '24h'), '60s', 'the time in which crashes are counted, mode "process"'),
  rest: key('plugins.rest', duration('1ms', '24h'), '30s', 'how long a plugin rests before one trial call, mode "process"'),
} as const;

/** Their values: durations in milliseconds, memory in bytes with 0 for no limit. */
export type SupervisedKeys = Values<typeof SUPERVISED_KEYS>;
