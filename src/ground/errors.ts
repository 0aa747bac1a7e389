/**
 * Every error that dlserve reports, in one table: code, HTTP status, and the message. docs/errors.md explains each to a
 * person; a test holds the two against each other.
 */

interface ErrorEntry {
  /** HTTP status of the answer. */
  readonly status: number;
  /** The message, with `{name}` where a detail goes. */
  readonly message: string;
}

export const ERRORS = {
  BAD_REQUEST: { status: 400, message: 'malformed request: {reason}' },
  BAD_NAME: { status: 400, message: 'illegal {what} {value}: {rule}' },
  BAD_TIMEOUT: { status: 400, message: 'illegal x-dlserve-timeout {value}: give a duration such as 250ms or 2s' },
  ROUTE_NOT_FOUND: { status: 404, message: 'nothing here: plugins answer at /_PLUGIN/{file}/{func}' },
  LIBRARY_NOT_FOUND: { status: 404, message: 'no library {library} in pluginpath{hint}' },
  HANDLER_NOT_FOUND: { status: 404, message: 'no handler {symbol} in {plugin}{hint}' },
  METHOD_NOT_ALLOWED: { status: 405, message: '{path} does not answer {method}, only {allow}' },
  REQUEST_TIMEOUT: { status: 408, message: 'the request did not come whole in time' },
  BODY_TOO_LARGE: { status: 413, message: 'the request body is over the limit of {limit} bytes' },
  HEADERS_TOO_LARGE: { status: 431, message: 'the head of the request is over the limit of {limit} bytes' },
  BUILD_FAILED: { status: 500, message: '{plugin} did not compile: {reason}' },
  LOAD_FAILED: { status: 500, message: '{library} did not load: {reason}' },
  INIT_FAILED: { status: 500, message: 'PluginInit of {library} failed: {reason}' },
  TRIAL_FAILED: { status: 500, message: 'the new {plugin} was not taken: its {symbol} {reason}' },
  DEMOTED: { status: 500, message: '{plugin} runs in mode "process": {reason}' },
  ABI_UNSUPPORTED: {
    status: 500,
    message: '{library} was written for ABI {abi}, this host knows ABI {host}: {mend}',
  },
  NO_REPLY: { status: 500, message: '{symbol} gave neither a string nor reply bytes' },
  REPLY_TOO_LARGE: { status: 500, message: '{symbol} gave a reply of {length} bytes, the limit is {limit}' },
  BAD_STATUS: { status: 500, message: '{symbol} gave status {value}, legal are 200 to 599' },
  BAD_HEADERS: { status: 500, message: '{symbol} gave a malformed reply header: {reason}' },
  BODY_CONSUMED: {
    status: 500,
    message: 'the request body was read before it reached dlserve: mount host.router() before body parsers',
  },
  STREAM_BROKEN: { status: 500, message: '{symbol} broke its reply off' },
  INTERNAL: { status: 500, message: 'internal error, see the log' },
  PLUGIN_CRASHED: { status: 502, message: '{plugin} crashed in {symbol}: {reason}' },
  OVERLOADED: { status: 503, message: '{plugin} has {queue} calls waiting already' },
  PLUGIN_RESTING: { status: 503, message: '{what} rests: {reason}' },
  MEMORY_LIMIT: { status: 503, message: '{plugin} has no memory for the request to {symbol}; its limit is the key "memory"' },
  OUT_OF_MEMORY: { status: 503, message: 'the server has no memory for {what}' },
  UNAVAILABLE: { status: 503, message: '{plugin} is not available now: {reason}' },
  START_BLOCKED: { status: 503, message: '{plugin} comes after {earlier}, which could not be started: {reason}' },
  SERVER_FULL: { status: 503, message: 'the bodies of requests and replies under way take all of the {limit} bytes they may: try again' },
  STOPPING: { status: 503, message: 'the server is stopping' },
  QUEUE_TIMEOUT: { status: 504, message: '{symbol} in {plugin} waited for its turn longer than {timeout} ms, and was not called' },
  TIMEOUT: { status: 504, message: '{symbol} in {plugin} took longer than {timeout} ms' },
  HTTP_VERSION: { status: 505, message: 'this server speaks HTTP/1.1 and HTTP/1.0' },

  BAD_CALL: { status: 400, message: '{call}: {reason}' },
  BAD_CONFIG: { status: 500, message: '{reason}' },
  BAD_LIBRARY: { status: 500, message: '{file} is not a library: {reason}' },
  UNSUPPORTED_PLATFORM: { status: 500, message: '{reason}' },
  RUNNER_MISSING: { status: 500, message: 'mode "process" needs the native runner, which is not there: {reason}' },
  NAME_TAKEN: { status: 500, message: '{name} exists already: {path}; choose another name, or delete it first' },
  UNKNOWN_PLUGIN: { status: 500, message: 'no {what} {name} is registered{hint}' },
  BAD_PLUGIN: { status: 500, message: "{plugin} can't be registered: {reason}" },
  WRITE_FAILED: { status: 500, message: "{path} can't be written: {reason}" },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

export type Details = Readonly<Record<string, string | number>>;

/** The one class in which errors travel; `http/` alone turns its code into a status and JSON. */
export class DlserveError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  /** What filled the message. */
  readonly details: Details;
  /** Headers that the answer must carry, such as Allow or Retry-After. */
  readonly headers: Readonly<Record<string, string>>;

  /**
   * @param code a row of the table
   * @param details what fills the message's `{...}`
   * @param options `cause`: the failure that was translated; `headers`: for the answer
   */
  constructor(code: ErrorCode, details: Details = {}, options: { cause?: unknown; headers?: Record<string, string> } = {}) {
    const message = ERRORS[code].message.replace(/\{(\w+)\}/g, (hole, name: string) => String(details[name] ?? hole));
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DlserveError';
    this.code = code;
    this.status = ERRORS[code].status;
    this.details = details;
    this.headers = options.headers ?? {};
  }
}

/** The words of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
