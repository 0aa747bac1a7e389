import fc from 'fast-check';
import { FrameReader } from '../../../../src/runtimes/supervised/runner/frames';
import { ProtocolError, REPLY_HEADER } from '../../../../src/runtimes/supervised/runner/protocol';
import { readReply } from '../../../../src/runtimes/supervised/runner/replies';

const frame = (payload: Uint8Array): Buffer => {
  const bytes = Buffer.concat([Buffer.alloc(8), payload]);
  bytes.writeUInt32LE(bytes.length, 0);
  return bytes;
};

it('frames come out as they went in, however they were cut', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }), (payloads, cuts) => {
      const frames = payloads.map(frame);
      const stream = Buffer.concat(frames);
      const got: Buffer[] = [];
      const reader = new FrameReader(1000, (buffer, start, end) => got.push(Buffer.from(buffer.subarray(start, end))));
      for (let at = 0, i = 0; at < stream.length; i++) {
        const length = cuts[i % cuts.length]!;
        reader.push(stream.subarray(at, at + length));
        at += length;
      }
      expect(reader.received).toBe(stream.length);
      expect(got).toEqual(frames);
    }),
  );
});

it('a length that can not be is refused, also where it comes in pieces', () => {
  for (const length of [0, 7, 1001, 0xffffffff]) {
    const bytes = frame(Buffer.alloc(4));
    bytes.writeUInt32LE(length, 0);
    for (const cut of [0, 2, 4, 8, 12]) {
      const reader = new FrameReader(1000, () => undefined);
      expect(() => {
        reader.push(bytes.subarray(0, cut));
        reader.push(bytes.subarray(cut));
      }).toThrow(ProtocolError);
    }
  }
});

it('any bytes are frames or an error of the protocol', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 100 })), (chunks) => {
      const reader = new FrameReader(100_000, (buffer, start, end) => readReply(buffer, start, end));
      try {
        for (const chunk of chunks) reader.push(Buffer.from(chunk));
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }),
  );
});

describe('a reply', () => {
  const reply = (flags: number, headers: string, body: Buffer): Buffer => {
    const bytes = frame(Buffer.concat([Buffer.alloc(REPLY_HEADER - 8), Buffer.from(headers), body]));
    bytes[5] = flags;
    bytes.writeInt32LE(-1, 16);
    bytes.writeUInt32LE(42, 20);
    bytes.writeUInt32LE(headers.length, 24);
    return bytes;
  };
  const read = (bytes: Buffer): unknown => readReply(bytes, 0, bytes.length);

  it('has a body of text where the runner says that it may, else of bytes', () => {
    expect(read(reply(3, '', Buffer.from('ab')))).toEqual({ flags: 3, microseconds: 42, tooLarge: 0, raw: { status: -1, body: 'ab', headers: null } });
    expect(read(reply(5, 'A: b\n', Buffer.from('ü')))).toMatchObject({ raw: { body: Buffer.from('ü'), headers: 'A: b\n' } });
    expect(read(reply(1, '', Buffer.from('ab')))).toMatchObject({ raw: { body: Buffer.from('ab') } });
    expect(read(reply(0, '', Buffer.alloc(0)))).toMatchObject({ raw: { body: null, headers: null } });
  });

  it('is refused where it is malformed', () => {
    expect(() => readReply(reply(1, '', Buffer.alloc(0)), 0, REPLY_HEADER - 1)).toThrow(ProtocolError);
    const bytes = reply(1, 'A: b\n', Buffer.alloc(0));
    bytes.writeUInt32LE(6, 24);
    expect(() => read(bytes)).toThrow(ProtocolError);
    expect(() => read(reply(16, '', Buffer.alloc(7)))).toThrow(ProtocolError);
  });
});
