import { DlserveError, messageOf } from '../../ground/errors';
import type { Answer } from '../../plugin/services';

/**
 * What can go wrong when a plugin asks, besides the errors that a handler answers which is called: the code and the message of the answer.
 * docs/services.md explains each; a test holds the two against each other.
 */
export const ASK_ERRORS = {
  UNKNOWN_SERVICE: 'there is no service {service}{hint}',
  BAD_PARAMS: '{service}: {reason}',
  TOO_LARGE: '{what} takes more than {limit} bytes',
  GONE: 'the call that asked is over',
  CALL_CIRCLE: '{circle}: no call may lead back to a plugin that waits for it',
  CALL_DEPTH: '{plugin} would be called for {depth} plugins that wait for each other already',
  STATE_FULL: 'the state of {plugin} has no room: {reason}',
  STATE_NUMBER: "{key} can't be incremented: {reason}",
  STATE_UNAVAILABLE: 'there is no state: {reason}',
  SERVICE_FAILED: '{service} failed: {reason}',
} as const;

export type AskErrorCode = keyof typeof ASK_ERRORS;

/** Why there is no answer but this. */
export class AskError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }

  static of(code: AskErrorCode, details: Readonly<Record<string, string | number>> = {}): AskError {
    return new AskError(code, ASK_ERRORS[code].replace(/\{(\w+)\}/g, (hole, name: string) => String(details[name] ?? hole)));
  }
}

/** The answer to whoever asks for what can't be had. */
export function answerOf(thrown: unknown): Answer {
  const code = thrown instanceof AskError || thrown instanceof DlserveError ? thrown.code : 'SERVICE_FAILED';
  return { isOk: false, json: JSON.stringify({ code, message: messageOf(thrown) }) };
}

/** The other way round. */
export function errorOf({ json }: Answer): AskError {
  const { code, message } = JSON.parse(json) as { code: string; message: string };
  return new AskError(code, message);
}
