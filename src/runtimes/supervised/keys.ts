import { key, type Values } from '../../ground/key';
import { boolean, duration, integer, range, share, size } from '../../ground/value-types';

/** The configuration keys of everything that runs plugins in processes of their own. */
export const SUPERVISED_KEYS = {
  workers: key(
    'plugins.workers',
    range(1, 64),
    1,
    'processes of each plugin, or the fewest and the most of them, such as "1-4", mode "process"',
  ),
  scaleafter: key(
    'plugins.scaleafter',
    duration('1ms', '1h'),
    '50ms',
    'how long calls wait before a plugin gets one more process, where workers allows more, mode "process"',
  ),
  scaleidle: key(
    'plugins.scaleidle',
    duration('1ms', '24h'),
    '30s',
    'how long a process above the fewest may have nothing to do before it is stopped, mode "process"',
  ),
  retry: key(
    'plugins.retry',
    boolean,
    false,
    'make a call again whose process ended through no fault of its own, where its method allows that, mode "process"',
  ),
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
    'crashes outside of any call, and failures to open it again, that a plugin may have within crashwindow; at one more it rests, mode "process"',
  ),
  crashwindow: key('plugins.crashwindow', duration('1ms', '24h'), '60s', 'the time in which crashes and faulty calls are counted, mode "process"'),
  faultshare: key(
    'plugins.faultshare',
    share(),
    0.5,
    'the share of calls to a handler that crash or hang within crashwindow from which on it rests, mode "process"',
  ),
  faultcalls: key(
    'plugins.faultcalls',
    integer(1, 1_000_000),
    10,
    'the least number of calls to a handler within crashwindow from which on it may rest, mode "process"',
  ),
  rest: key('plugins.rest', duration('1ms', '24h'), '30s', 'how long a plugin, or a handler, rests before one trial call, mode "process"'),
} as const;

/** Their values: durations in milliseconds, memory in bytes with 0 for no limit. */
export type SupervisedKeys = Values<typeof SUPERVISED_KEYS>;
