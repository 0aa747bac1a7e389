import { AskError } from '../ask-error';
import { Params } from '../params';

/** What is done with one entry of the state. Values are JSON, as JSON.stringify writes it; "null" is none. Times are milliseconds. */
export type Operation =
  | { readonly op: 'get' | 'delete'; readonly key: string }
  | { readonly op: 'set'; readonly key: string; readonly value: string; readonly ttl?: number | undefined }
  /** `ttl` counts where there is no entry yet. */
  | { readonly op: 'increment'; readonly key: string; readonly by: number; readonly ttl?: number | undefined }
  /** Sets the value where it is `old`. */
  | { readonly op: 'compare-and-set'; readonly key: string; readonly old: string; readonly value: string; readonly ttl?: number | undefined };

/** Bytes of a key. */
export const LONGEST_KEY = 512;

/** What each operation takes besides its name and the key. */
const OPERATIONS = {
  get: [],
  delete: [],
  set: ['value', 'ttl'],
  increment: ['by', 'ttl'],
  'compare-and-set': ['old', 'value', 'ttl'],
} as const satisfies Record<Operation['op'], readonly string[]>;

/** @throws AskError BAD_PARAMS, STATE_NUMBER */
export function readOperation(given: unknown): Operation {
  const all = ['op', 'key', 'value', 'ttl', 'by', 'old'];
  const op = new Params('state', given, all).text('op');
  if (!isOperation(op)) throw AskError.of('BAD_PARAMS', { service: 'state', reason: `op must be one of ${Object.keys(OPERATIONS).join(', ')}, not ${JSON.stringify(op)}` });
  const params = new Params(`state ${op}`, given, ['op', 'key', ...OPERATIONS[op]]);
  const key = params.text('key');
  if (key === '' || Buffer.byteLength(key) > LONGEST_KEY) throw params.refusal(`key must have 1 to ${LONGEST_KEY} bytes`);
  // Two that UTF-8 can't tell apart would be one on disk.
  if (/\p{Surrogate}/u.test(key)) throw params.refusal('key must be well-formed Unicode');
  const ttl = params.optionalTime('ttl');
  switch (op) {
    case 'get':
    case 'delete':
      return { op, key };
    case 'set':
      return { op, key, value: valueOf(params, 'value'), ttl };
    case 'increment':
      return { op, key, by: params.optionalNumber('by') ?? 1, ttl };
    case 'compare-and-set':
      return { op, key, old: valueOf(params, 'old'), value: valueOf(params, 'value'), ttl };
  }
}

function isOperation(op: string): op is Operation['op'] {
  return Object.hasOwn(OPERATIONS, op);
}

function valueOf(params: Params, name: string): string {
  if (!params.has(name)) throw params.refusal(`${name} is missing; null is none`);
  return JSON.stringify(params.value(name));
}
