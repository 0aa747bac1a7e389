import fc from 'fast-check';
import { MAX_REPLY } from '../../../../src/plugin/reply';
import { MAX_REPLY_HEADERS } from '../../../../src/plugin/reply-headers';
import { FrameReader, type FrameOwner } from '../../../../src/runtimes/supervised/runner/frames';
import { LargeBodies } from '../../../../src/runtimes/supervised/runner/large-bodies';
import {
  MAX_PART, Message, Outcome, PART_HEADER, ProtocolError, REPLY_HEADER, ReplyFlag, RING_SIZE, partLength, replyId,
} from '../../../../src/runtimes/supervised/runner/protocol';
import { readReply } from '../../../../src/runtimes/supervised/runner/replies';

const frame = (payload: Uint8Array, message = 0): Buffer => {
  const bytes = Buffer.concat([Buffer.alloc(8), payload]);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes[4] = message;
  return bytes;
};

const part = (id: number, whole: number, payload: Uint8Array): Buffer => {
  const bytes = frame(Buffer.concat([Buffer.alloc(PART_HEADER - 8), payload]), Message.PART);
  bytes.writeUInt32LE(id, 8);
  bytes.writeUInt32LE(whole, 16);
  return bytes;
};

/** Keeps what it gets: each frame, and of PARTs the header and the bytes as one. */
class Recorder implements FrameOwner {
  readonly frames: Buffer[] = [];
  frame(buffer: Buffer, start: number, end: number): void {
    this.frames.push(Buffer.from(buffer.subarray(start, end)));
  }
  part(buffer: Buffer, start: number): void {
    this.frame(buffer, start, start + PART_HEADER);
  }
  bytes(buffer: Buffer, start: number, end: number): void {
    this.frames.push(Buffer.concat([this.frames.pop()!, buffer.subarray(start, end)]));
  }
}

const anyFrame = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((payload) => frame(payload)),
  fc.uint8Array({ minLength: 1, maxLength: 300 }).map((payload) => part(1, payload.length, payload)),
);

it('frames come out as they went in, however they were cut', () => {
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 20 }), fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }), (frames, cuts) => {
      const stream = Buffer.concat(frames);
      const recorder = new Recorder();
      const reader = new FrameReader(recorder);
      for (let at = 0, i = 0; at < stream.length; i++) {
        const length = cuts[i % cuts.length]!;
        reader.push(stream.subarray(at, at + length));
        at += length;
      }
      expect(reader.received).toBe(stream.length);
      expect(reader.fromRing).toBe(frames.reduce((sum, each) => sum + (each[4] === Message.PART ? 0 : each.length), 0));
      expect(recorder.frames).toEqual(frames);
    }),
  );
});

it('what has come of a frame in part counts for nothing, and can be forgotten', () => {
  const whole = frame(Buffer.from('whole'));
  for (const broken of [frame(Buffer.alloc(40)), part(1, 100, Buffer.alloc(100))]) {
    for (let cut = 1; cut < broken.length; cut++) {
      const recorder = new Recorder();
      const reader = new FrameReader(recorder);
      reader.push(Buffer.concat([whole, broken.subarray(0, cut)]));
      expect(reader.fromRing).toBe(whole.length);
      reader.forgetPartial();
      reader.push(whole);
      expect(recorder.frames.at(-1)).toEqual(whole);
    }
  }
});

it('a length that can not be is refused, also where it comes in pieces', () => {
  const impossible: [number, number][] = [
    ...[0, 7, RING_SIZE + 1, 0xffffffff].map((length): [number, number] => [0, length]),
    ...[0, PART_HEADER, PART_HEADER + MAX_PART + 1, 0xffffffff].map((length): [number, number] => [Message.PART, length]),
  ];
  for (const [message, length] of impossible) {
    const bytes = frame(Buffer.alloc(40), message);
    bytes.writeUInt32LE(length, 0);
    for (const cut of [0, 2, 4, 8, 12]) {
      const reader = new FrameReader(new Recorder());
      expect(() => {
        reader.push(bytes.subarray(0, cut));
        reader.push(bytes.subarray(cut));
      }).toThrow(ProtocolError);
    }
  }
});

it('any bytes are frames or an error of the protocol', () => {
  const mostly = fc.oneof(fc.uint8Array({ maxLength: 100 }), anyFrame);
  fc.assert(
    fc.property(fc.array(mostly), (chunks) => {
      const large = new LargeBodies();
      const reader = new FrameReader({
        frame: (buffer, start, end) => void readReply(buffer, start, end, large),
        part: (buffer, start) => large.begin(replyId(buffer, start), partLength(buffer, start), true),
        bytes: (buffer, start, end) => large.append(buffer, start, end),
      });
      try {
        for (const chunk of chunks) reader.push(Buffer.from(chunk));
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }),
  );
});

const length = (bytes: number): Buffer => {
  const buffer = Buffer.alloc(8);
  buffer.writeDoubleLE(bytes);
  return buffer;
};

const reply = (flags: number, headers: string, body: Buffer, outcome: number = Outcome.REPLY): Buffer => {
  const bytes = frame(Buffer.concat([Buffer.alloc(REPLY_HEADER - 8), Buffer.from(headers), body]), Message.REPLY);
  bytes[5] = flags;
  bytes.writeUInt16LE(outcome, 6);
  bytes.writeUInt32LE(1, 8);
  bytes.writeInt32LE(-1, 16);
  bytes.writeUInt32LE(42, 20);
  bytes.writeUInt32LE(headers.length, 24);
  return bytes;
};

const read = (bytes: Buffer, large = new LargeBodies()): unknown => readReply(bytes, 0, bytes.length, large);

describe('a reply', () => {
  it('has a body of text where the runner says that it may, else of bytes', () => {
    expect(read(reply(3, '', Buffer.from('ab')))).toEqual({ outcome: 0, microseconds: 42, length: 2, raw: { status: -1, body: 'ab', headers: null } });
    expect(read(reply(5, 'A: b\n', Buffer.from('ü')))).toMatchObject({ raw: { body: Buffer.from('ü'), headers: 'A: b\n' } });
    expect(read(reply(1, '', Buffer.from('ab')))).toMatchObject({ raw: { body: Buffer.from('ab') } });
    expect(read(reply(0, '', Buffer.alloc(0)))).toMatchObject({ raw: { body: null, headers: null } });
  });

  it('is none where the outcome says so, or where it has more headers than it may', () => {
    expect(read(reply(0, '', length(1e9), Outcome.TOO_LARGE))).toMatchObject({ outcome: Outcome.TOO_LARGE, raw: null, length: 1e9 });
    expect(read(reply(0, '', Buffer.alloc(0), Outcome.SKIPPED))).toMatchObject({ outcome: Outcome.SKIPPED, raw: null });
    const most = 'x'.repeat(MAX_REPLY_HEADERS);
    expect(read(reply(5, most, Buffer.alloc(0)))).toMatchObject({ raw: { headers: most } });
    expect(read(reply(5, `${most}x`, Buffer.alloc(0)))).toMatchObject({ outcome: Outcome.HEADERS_TOO_LARGE, raw: null, length: MAX_REPLY_HEADERS + 1 });
  });

  it('is refused where it is malformed', () => {
    expect(() => readReply(reply(1, '', Buffer.alloc(0)), 0, REPLY_HEADER - 1, new LargeBodies())).toThrow(ProtocolError);
    const bytes = reply(1, 'A: b\n', Buffer.alloc(0));
    bytes.writeUInt32LE(6, 24);
    expect(() => read(bytes)).toThrow(ProtocolError);
    expect(() => read(reply(0, '', Buffer.alloc(7), Outcome.TOO_LARGE))).toThrow(ProtocolError);
    expect(() => read(reply(0, '', Buffer.alloc(0), Outcome.HEADERS_TOO_LARGE + 1))).toThrow(ProtocolError);
  });
});

describe('a body that came in parts', () => {
  const inParts = ReplyFlag.HAS_BODY | ReplyFlag.HAS_HEADERS | ReplyFlag.IN_PARTS;
  const after = (...parts: [length: number, bytes: string][]): LargeBodies => {
    const large = new LargeBodies();
    for (const [whole, text] of parts) {
      large.begin(1, whole, true);
      large.append(Buffer.from(text), 0, text.length);
    }
    return large;
  };

  it('is put together', () => {
    const large = after([5, 'ab'], [5, 'c'], [5, 'de']);
    large.begin(2, 9, true);
    expect(read(reply(inParts, 'A: b\n', length(5)), large)).toMatchObject({ raw: { body: Buffer.from('abcde'), headers: 'A: b\n' }, length: 5 });
    expect([large.size, large.has(1)]).toEqual([1, false]);
  });

  it.each<[string, () => unknown]>([
    ['that is not complete', () => read(reply(inParts, '', length(5)), after([5, 'abcd']))],
    ['of which nothing came', () => read(reply(inParts, '', length(5)))],
    ['of another length', () => read(reply(inParts, '', length(4)), after([5, 'abcd']))],
    ['without its length', () => read(reply(inParts, '', Buffer.alloc(4)), after([4, 'abcd']))],
    ['of which the reply says nothing', () => read(reply(ReplyFlag.HAS_BODY, '', length(4)), after([4, 'abcd']))],
    ['that there is more of', () => after([3, 'ab'], [3, 'cd'])],
    ['that changes its length', () => after([3, 'ab'], [4, 'c'])],
    ['that is too large', () => after([MAX_REPLY + 1, 'a'])],
  ])('is an error of the protocol (%s)', (_, act) => {
    expect(act).toThrow(ProtocolError);
  });

  it('is dropped where nobody waits for it', () => {
    const large = new LargeBodies();
    large.begin(1, 3, false);
    large.append(Buffer.from('abc'), 0, 3);
    expect(read(reply(inParts, '', length(3)), large)).toMatchObject({ raw: null, length: 3 });
  });
});
