import { isUtf8 } from 'node:buffer';
import { describe } from '../../ground/value-types';
import { AskError } from './ask-error';

/** The parameters of a service, each of which is checked as it is read. */
export class Params {
  readonly #values: Readonly<Record<string, unknown>>;

  /**
   * @param service whose they are
   * @param names of all that there may be
   * @throws AskError BAD_PARAMS for what is no object, or has others
   */
  constructor(
    private readonly service: string,
    given: unknown,
    names: readonly string[],
  ) {
    if (typeof given !== 'object' || given === null || Array.isArray(given)) throw this.refusal(`params must be an object, not ${describe(given)}`);
    const unknown = Object.keys(given).find((name) => !names.includes(name));
    if (unknown !== undefined) throw this.refusal(`unknown ${JSON.stringify(unknown)}: there are ${names.join(', ')}`);
    this.#values = given as Readonly<Record<string, unknown>>;
  }

  /** A BAD_PARAMS with that reason. */
  refusal(reason: string): AskError {
    return AskError.of('BAD_PARAMS', { service: this.service, reason });
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#values, name);
  }

  value(name: string): unknown {
    return this.has(name) ? this.#values[name] : undefined;
  }

  text(name: string): string {
    const text = this.optionalText(name);
    if (text === undefined) throw this.refusal(`${name} is missing`);
    return text;
  }

  optionalText(name: string): string | undefined {
    return this.#optional(name, 'text', (value): value is string => typeof value === 'string');
  }

  /** A number of milliseconds above 0. */
  optionalTime(name: string): number | undefined {
    return this.#optional(name, 'a number of milliseconds above 0', (value): value is number => typeof value === 'number' && value > 0);
  }

  optionalNumber(name: string): number | undefined {
    return this.#optional(name, 'a number', (value): value is number => typeof value === 'number');
  }

  #optional<T>(name: string, wants: string, isFit: (value: unknown) => value is T): T | undefined {
    const value = this.value(name);
    if (value === undefined || isFit(value)) return value;
    throw this.refusal(`${name} must be ${wants}, not ${describe(value)}`);
  }

  /** Names with texts, or lists of texts, each pair. */
  pairs(name: string): [string, string][] {
    const given = this.value(name) ?? {};
    const wrong = this.refusal(`${name} must be an object of texts and lists of texts`);
    if (typeof given !== 'object' || Array.isArray(given)) throw wrong;
    return Object.entries(given).flatMap(([key, value]) =>
      [value].flat().map((one: unknown): [string, string] => {
        if (typeof one !== 'string') throw wrong;
        return [key, one];
      }),
    );
  }

  /** What is `name` as text or `name_base64` as bytes; undefined where neither is given. */
  bytes(name: string): Buffer | undefined {
    const encoded = `${name}_base64`;
    const text = this.optionalText(name);
    const base64 = this.optionalText(encoded);
    if (text !== undefined && base64 !== undefined) throw this.refusal(`give ${name} or ${encoded}, not both`);
    if (base64 === undefined) return text === undefined ? undefined : Buffer.from(text);
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) throw this.refusal(`${encoded} must be base64`);
    return Buffer.from(base64, 'base64');
  }
}

/** The other way round: how an answer says bytes. */
export function bytesJson(name: string, bytes: Buffer): Record<string, string> {
  return isUtf8(bytes) ? { [name]: bytes.toString() } : { [`${name}_base64`]: bytes.toString('base64') };
}
