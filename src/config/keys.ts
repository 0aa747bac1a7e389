import { key, type Key, type Keys } from '../ground/key';
import { LOG_LEVELS } from '../ground/log-levels';
import { boolean, duration, integer, list, matching, oneOf, optional, size, text, words } from '../ground/value-types';
import { FUNC, isFileName } from '../plugin/name';
import { MODES, MOST_CONCURRENCY, STARTS, type Mode } from '../plugin/runtime';

/** What makes a server look for plugins that have changed. */
export const RELOADS = ['watch', 'signal'] as const;

export type Reload = (typeof RELOADS)[number];

/** The keys of the server. */
export const SERVER = {
  pluginpath: key(
    'pluginpath',
    text('a folder'),
    './lib',
    'the folder of the libraries; a relative one counts from the working directory',
    { name: 'pluginpath', value: 'folder' },
  ),
  host: key(
    'http.host',
    text('an address or a host name'),
    '127.0.0.1',
    'the address to listen on; "0.0.0.0" is every one of this machine',
    { name: 'host', value: 'address' },
  ),
  port: {
    ...key('http.port', integer(0, 65_535), 3000, 'the port to listen on; 0 picks a free one, which is printed', {
      name: 'port',
      value: 'number',
    }),
    commonEnv: 'PORT',
  },
  bodylimit: key('http.bodylimit', size('0B', '256MB'), '1MB', 'the largest request body; a larger one answers 413'),
  bodybudget: key(
    'http.bodybudget',
    size('1MB', '1024TB'),
    '256MB',
    'what all bodies together may take that wait in a server process, of requests and of unread replies; above it the answer is 503',
  ),
  writetimeout: key(
    'http.writetimeout',
    duration('0s', '24h'),
    '30s',
    'how long a client may leave a reply unread, or send nothing of a body that is taken in parts, before its connection is cut; "0s" is for ever',
  ),
  httpWorkers: key('http.workers', integer(1, 64), 1, 'server processes that share the port', {
    name: 'workers',
    value: 'number',
  }),
  fastlane: key('http.fastlane', boolean, true, 'answer plugin requests before Express sees them'),
  stoptimeout: key('http.stoptimeout', duration('0s', '1h'), '10s', 'how long a graceful stop may take'),
  level: key('log.level', oneOf(LOG_LEVELS), 'info', 'the least severe messages that are logged', {
    name: 'log-level',
    value: 'level',
  }),
  stateFile: key(
    'state.file',
    optional(text('a folder')),
    undefined,
    'the folder where the state of plugins is kept; a relative one counts from the working directory; unset: in memory, until the server ends',
  ),
  stateKeys: key('state.keys', integer(1, 100_000_000), 100_000, 'entries that a plugin may have in the state'),
  stateValueLimit: key('state.valuelimit', size('1B', '8MB'), '1MB', 'the largest value of an entry, as JSON'),
  stateLimit: key('state.limit', size('1KB', '1024TB'), '64MB', 'what all keys and values of a plugin may take in the state'),
  reload: key(
    'plugins.reload',
    oneOf(RELOADS),
    'signal',
    'when plugins that have changed are reloaded: "watch" is as soon as a library or a source was saved, "signal" is on SIGHUP',
  ),
  build: key('plugins.build', boolean, true, 'compile the sources in the folder src of pluginpath at start'),
  buildtimeout: key('plugins.buildtimeout', duration('1ms', '24h'), '10m', 'how long a compiler may run; then its build has failed'),
  buildmemory: key(
    'plugins.buildmemory',
    size('64MB', '1024TB', true),
    '4GB',
    'the most memory that a process of a compiler may have of its own; "" is no limit',
  ),
} as const;

/** The keys of a plugin: of all in [plugins], of one in [plugin.NAME]. */
export const PLUGIN = {
  mode: key(
    'plugins.mode',
    oneOf(MODES),
    'thread',
    'where handlers run: "thread" of the server, "inline" on its event loop, or "process" of the plugin alone',
    { name: 'mode', value: 'mode' },
  ),
  timeout: key('plugins.timeout', duration('1ms', '1h'), '30s', 'how long a call may be in its handler; then it answers 504'),
  queuetimeout: key(
    'plugins.queuetimeout',
    optional(duration('1ms', '24h')),
    undefined,
    'how long a call may wait for its turn; then it answers 504 and is not made; unset: as long as timeout',
  ),
  parttimeout: key(
    'plugins.parttimeout',
    optional(duration('0s', '24h')),
    undefined,
    'how long a handler may take from one part of its reply to the next; then the reply is broken off; "0s" is for ever; unset: as long as timeout',
  ),
  queue: key('plugins.queue', integer(0, 1_000_000), 1024, 'calls of a plugin that may wait; one more answers 503'),
  concurrency: key(
    'plugins.concurrency',
    optional(integer(0, MOST_CONCURRENCY)),
    undefined,
    'threads inside a library at once, in place of its PluginConcurrency; 0 is any number',
  ),
  trial: key(
    'plugins.trial',
    optional(matching('the {func} of a GET handler', FUNC)),
    undefined,
    'a GET handler that must answer 2xx in a reloaded plugin before it takes over, such as "Health"',
  ),
  demote: key(
    'plugins.demote',
    boolean,
    true,
    'run a plugin in mode "process" after it has crashed the server or holds a thread past its timeout, until its file changes',
  ),
  start: key('plugins.start', oneOf(STARTS), 'request', 'when a plugin is opened: by its first "request", or when the "server" starts'),
  after: key('plugins.after', list('a list of names of plugins, such as ["db"]', isFileName), [], 'the plugins that are opened before it, and closed after it'),
  required: key('plugins.required', boolean, false, 'whether `/_ready` answers 503 while the plugin does not answer; it is opened when the server starts'),
  faultreports: key('plugins.faultreports', integer(0, 1000), 10, 'how many reports of the last faults of a plugin are kept'),
  cflags: key('plugins.cflags', words, [], 'more flags for the C, C++ or Go (cgo) compiler'),
  ldflags: key('plugins.ldflags', words, [], 'more flags for the linker, such as "-lm"'),
} as const;

/** What the configuration has to know of a runtime. */
export interface KeyOwner {
  readonly mode: Mode;
  readonly keys: Keys;
}

/** The keys of runtimes, each once. */
export function ownKeys(runtimes: readonly KeyOwner[]): Key[] {
  return [...new Set(runtimes.flatMap(({ keys }) => Object.values(keys)))];
}

/** All keys: the source of parsing, environment variables and docs/config.md alike. */
export function allKeys(runtimes: readonly KeyOwner[]): Key[] {
  return [...Object.values(SERVER), ...Object.values(PLUGIN), ...ownKeys(runtimes)];
}

/** One command-line flag that sets a key, or names the file. */
export interface Flag {
  /** The key that it sets; "config" for the file. */
  readonly path: string;
  /** Without dashes: "log-level". */
  readonly flag: string;
  /** The word for its value in --help. */
  readonly value: string;
  readonly doc: string;
  /** As text. */
  readonly default: string;
}

/** Where the name of the configuration file is given. */
export const FILE = { flag: 'config', env: 'PREST_CONF', default: 'prest.toml' } as const;

export const FLAGS: readonly Flag[] = [
  {
    path: 'config',
    flag: FILE.flag,
    value: 'file',
    doc: 'the configuration file',
    default: `${FILE.default}, if it is there`,
  },
  ...[...Object.values(SERVER), ...Object.values(PLUGIN)].flatMap(({ path, flag, doc, default: given }: Key) =>
    flag ? [{ path, flag: flag.name, value: flag.value, doc, default: String(given) }] : [],
  ),
];
