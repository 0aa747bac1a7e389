import { Conversation } from '../../../../src/runtimes/supervised/runner/conversation';
import { Control } from '../../../../src/runtimes/supervised/runner/control';
import { Ledger } from '../../../../src/runtimes/supervised/runner/ledger';
import { AskFlag, MAGIC, MOST_ASKED, MOST_CHUNK, Message, ProtocolError, ReplyFlag, VERSION, WINDOW } from '../../../../src/runtimes/supervised/runner/protocol';
import { Talks } from '../../../../src/runtimes/supervised/runner/talks';
import { handlersNamed, makeCall, silentLog } from '../../../support/runtime';

const handlers = handlersNamed(['GETTestHandler']);
const services = { ask: () => new Promise<never>(() => undefined), log: () => undefined };
const NOBODY = { answered: () => undefined, dropped: () => undefined, gaveBack: () => undefined };
const LISTENER = { opened: () => undefined, lacksMemory: () => undefined, endedBadly: () => undefined };

interface Words {
  readonly number?: number;
  readonly flags?: number;
  readonly id?: number;
  readonly payload?: Buffer;
}

function frame(message: number, { number = 0, flags = 0, id = 1, payload = Buffer.alloc(0) }: Words = {}): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(16), payload]);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes[4] = message;
  bytes[5] = flags;
  bytes.writeUInt16LE(number, 6);
  bytes.writeUInt32LE(id, 8);
  return bytes;
}

const HELLO = ((): Buffer => {
  const bytes = Buffer.alloc(24);
  bytes.writeUInt32LE(24, 0);
  bytes[4] = Message.HELLO;
  bytes.writeUInt16LE(VERSION, 6);
  bytes.writeUInt32LE(MAGIC, 8);
  return bytes;
})();
const OPENED = Buffer.from([16, 0, 0, 0, Message.OPENED, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
const HEAD = frame(Message.HEAD, { payload: Buffer.from([200, 0, 0, 0, 0, 0, 0, 0]) });
const KEPT = frame(Message.KEPT);
/** A number of 8 bytes, up to 255. */
const number = (value: number): Buffer => Buffer.alloc(8).fill(value, 0, 1);
const chunk = (length: number, id = 1): Buffer => frame(Message.CHUNK, { id, payload: Buffer.alloc(length) });
const ask = (text: string, words: Words = {}): Buffer => frame(Message.ASK, { ...words, payload: Buffer.from(text) });
const reply = (flags: number): Buffer => {
  const bytes = frame(Message.REPLY, { flags, payload: Buffer.alloc(12) });
  bytes.writeInt32LE(200, 16);
  return bytes;
};

/** A conversation with an open runner which has two calls, and has begun the first. */
function conversation(): Conversation {
  const calls = new Ledger();
  const talks = new Talks(calls, { name: 'test', log: silentLog(), services }, new Control(null), () => 1);
  const talking = new Conversation(calls, talks, 1, LISTENER, NOBODY, null);
  for (let i = 0; i < 2; i++) calls.add(makeCall({ handlers }, 0, {}, () => undefined));
  for (const bytes of [HELLO, OPENED]) talking.frames.push(bytes);
  return talking;
}

// A hostile library has the socket, and may write what it likes.
it.each<[string, Buffer[], string]>([
  ['what names no call', [frame(Message.LOG).fill(12, 0, 1).subarray(0, 12)], 'a frame of a call that is too short'],
  ['a call that is not open', [frame(Message.HEAD, { id: 9, payload: Buffer.alloc(8) })], 'words of call 9, which is not open'],
  ['a call that has not begun', [ask('a\0b\0', { id: 2 })], 'words of call 2, which has not begun'],
  ['a line of one that has not begun', [frame(Message.LOG, { id: 2, payload: Buffer.alloc(8) })], 'words of call 2, which has not begun'],
  ['a HEAD that is too short', [frame(Message.HEAD)], 'a malformed HEAD'],
  ['a second HEAD', [HEAD, HEAD], 'a second HEAD of one reply'],
  ['a part without HEAD', [chunk(1)], 'a part of a reply without its HEAD'],
  ['a part that is too large', [HEAD, chunk(MOST_CHUNK + 1)], `${MOST_CHUNK + 1} bytes in a frame of a call`],
  ['a WANT of a wrong size', [frame(Message.WANT)], 'a malformed WANT'],
  ['more read than was sent', [frame(Message.WANT, { payload: number(7) })], '7 bytes of a body read, of 0'],
  ['a LOG that is too short', [frame(Message.LOG)], 'a malformed LOG'],
  ['an ASK of one text', [ask('service\0')], 'a malformed ASK'],
  ['an ASK without an end', [ask('service\0{}')], 'a malformed ASK'],
  ['a third ASK at once', [ask('a\0b\0'), ask('a\0b\0', { number: 1 }), ask('a\0b\0', { number: 2 })], 'one more ask of a call that waits for answers'],
  ['an ASK without end', Array.from({ length: MOST_ASKED / MOST_CHUNK + 1 }, () => ask('x'.repeat(MOST_CHUNK), { flags: AskFlag.MORE })), 'more parameters than there may be'],
  ['what is kept before its HEAD', [KEPT], 'call 1 is kept out of order'],
  ['what is kept twice', [HEAD, KEPT, KEPT], 'call 1 is kept out of order'],
  ['a reply beside its parts', [HEAD, reply(ReplyFlag.HAS_BODY)], 'the reply to call 1 does not end what has begun of it'],
  ['an end without parts', [reply(ReplyFlag.STREAMED)], 'the reply to call 1 does not end what has begun of it'],
  ['a part after the end', [HEAD, reply(ReplyFlag.STREAMED), chunk(1)], 'words of call 1, which is not open'],
])('a runner that says %s breaks the protocol', (_, frames, fault) => {
  const talking = conversation();
  expect(() => frames.forEach((bytes) => talking.frames.push(bytes))).toThrow(new ProtocolError(fault));
});

it('a runner that sends more than its client has taken breaks the protocol', () => {
  const calls = new Ledger();
  const call = makeCall({ handlers }, 0, {}, () => undefined);
  // A client that takes nothing.
  jest.spyOn(call, 'write').mockReturnValue(false);
  const talks = new Talks(calls, { name: 'test', log: silentLog(), services }, new Control(null), () => 1);
  const talking = new Conversation(calls, talks, 1, LISTENER, NOBODY, null);
  calls.add(call);
  for (const bytes of [HELLO, OPENED, HEAD]) talking.frames.push(bytes);
  for (let sent = 0; sent < WINDOW + MOST_CHUNK; sent += MOST_CHUNK) talking.frames.push(chunk(MOST_CHUNK));
  expect(() => talking.frames.push(chunk(1))).toThrow(new ProtocolError('more of a reply than its client has taken'));
});

it('a runner that has a call talk before it is open breaks the protocol', () => {
  expect(() => new Conversation(new Ledger(), null!, 1, LISTENER, NOBODY, null).frames.push(HEAD)).toThrow(new ProtocolError('message 11 out of order'));
});

it('what a runner says of how its handlers take a body must be of them all, and known', () => {
  const open = (bodies: number[]): (() => void) => () => {
    const talking = new Conversation(new Ledger(), null!, 1, LISTENER, NOBODY, null);
    const opened = Buffer.concat([OPENED, Buffer.from(bodies)]);
    opened.writeUInt32LE(opened.length, 0);
    for (const bytes of [HELLO, opened]) talking.frames.push(bytes);
  };
  expect(open([3])).not.toThrow();
  expect(open([4])).toThrow('a malformed OPENED');
  expect(open([1, 1])).toThrow('a malformed OPENED');
});
