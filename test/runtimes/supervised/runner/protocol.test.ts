import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as greeting from '../../../../src/runtimes/supervised/runner/greeting';
import * as protocol from '../../../../src/runtimes/supervised/runner/protocol';

const header = readFileSync(path.resolve(__dirname, '../../../../native/runner/protocol.h'), 'utf8');

/** The header's numbers, by their names without PROTOCOL_. */
const native = new Map(
  Array.from(header.matchAll(/^#define PROTOCOL_(\w+) (\w+)$/gm), ([, name, value]) => [name!, Number(value)] as const),
);

const prefixed = (prefix: string, group: Record<string, number>): [string, number][] =>
  Object.entries(group).map(([name, value]) => [prefix + name, value]);

/** protocol.ts's numbers, by the names that the header has for them. */
const typed = new Map<string, number>([
  ...Object.entries(protocol).flatMap(([name, value]) => (typeof value === 'number' ? [[name, value] as const] : [])),
  ...prefixed('', protocol.Message),
  ...prefixed('CALL_', protocol.CallFlag),
  ...prefixed('REPLY_', protocol.ReplyFlag),
  ...prefixed('ASK_', protocol.AskFlag),
  ...prefixed('ANSWER_', protocol.AnswerFlag),
  ...prefixed('CREDIT_', protocol.CreditFlag),
  ...prefixed('BODY_', protocol.BodyFlag),
  ...prefixed('OUTCOME_', protocol.Outcome),
  ...prefixed('STAGE_', protocol.Stage),
  ...prefixed('CRASH_', protocol.CrashKind),
  ...prefixed('SHARED_', protocol.SharedLayout),
  ...prefixed('AREA_', protocol.AreaLayout),
]);

it('host and runner have the same numbers', () => {
  expect(native.size).toBeGreaterThan(40);
  expect(Object.fromEntries(native)).toEqual(Object.fromEntries(typed));
});

it('each message tells who sends it', () => {
  const source = readFileSync(path.resolve(__dirname, '../../../../src/runtimes/supervised/runner/protocol.ts'), 'utf8');
  for (const name of Object.keys(protocol.Message)) {
    expect(source).toMatch(new RegExp(`/\\*\\* (Host|Runner|Both), [^\\n]+\\*/\\n  ${name}: `));
  }
});

describe('the words of a runner', () => {
  const frame = (message: number, number: number, payload: Buffer): Buffer => {
    const bytes = Buffer.concat([Buffer.alloc(8), payload]);
    bytes.writeUInt32LE(bytes.length, 0);
    bytes[4] = message;
    bytes.writeUInt16LE(number, 6);
    return bytes;
  };

  it('are refused where they are malformed', () => {
    const hello = greeting.helloFrame();
    expect(() => greeting.checkHello(hello, 0, hello.length)).not.toThrow();
    expect(() => greeting.checkHello(hello, 0, hello.length - 1)).toThrow('a malformed HELLO');
    hello.writeUInt16LE(protocol.VERSION + 1, 6);
    expect(() => greeting.checkHello(hello, 0, hello.length)).toThrow(`version ${protocol.VERSION + 1} of the protocol`);
    hello.writeUInt32LE(1, 8);
    expect(() => greeting.checkHello(hello, 0, hello.length)).toThrow('a malformed HELLO');
    const opened = frame(protocol.Message.OPENED, 0, Buffer.from([3, 0, 0, 0, 0, 0, 0, 0]));
    expect(greeting.readOpened(opened, 0, opened.length, 2).concurrency).toBe(3);
    expect(() => greeting.readOpened(opened, 0, opened.length - 4, 2)).toThrow('a malformed OPENED');
    expect(() => greeting.readOpened(Buffer.alloc(16), 0, 16, 2)).toThrow('a malformed OPENED');
    opened.writeUInt32LE(protocol.MOST_THREADS + 1, 8);
    expect(() => greeting.readOpened(opened, 0, opened.length, 2)).toThrow('a malformed OPENED');
    const failed = frame(protocol.Message.FAILED, 3, Buffer.concat([Buffer.from([7, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('nö')]));
    expect(greeting.readFailed(failed, 0, failed.length)).toEqual({ stage: 3, detail: 7, words: 'nö' });
    expect(() => greeting.readFailed(failed, 0, 12)).toThrow('a FAILED that is too short');
  });
});
