import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { Body } from '../../src/http/body';
import { Budget } from '../../src/http/body-budget';

const SIZE = 1024 * 1024;
const sent = Buffer.alloc(SIZE, 'a body of which no byte may be lost. ');

/** Sends a body to a server that reads it, and hears what each chunk was when that was told of, and what is left of it in the end. */
async function post(listen: (req: IncomingMessage, hear: (chunk: Buffer) => void) => void): Promise<{ body: Buffer; heard: Buffer[]; kept: Buffer[] }> {
  const heard: Buffer[] = [];
  const kept: Buffer[] = [];
  let body: Buffer | undefined;
  const server = createServer((req, res) => {
    listen(req, (chunk) => {
      kept.push(chunk);
      heard.push(Buffer.from(chunk));
    });
    new Body(new Budget(4 * SIZE), 4 * SIZE).read(req, (_error, bytes) => {
      body = Buffer.concat([bytes].flat());
      res.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await new Promise<void>((resolve, reject) => {
      const { port } = server.address() as AddressInfo;
      const asked = request({ port, method: 'POST', headers: { 'Content-Length': SIZE }, agent: false }, (answer) => answer.resume().on('end', resolve));
      asked.on('error', reject).end(sent);
    });
  } finally {
    server.close();
  }
  return { body: body!, heard, kept };
}

test('chunks are freed when they were copied and nobody else has them', async () => {
  const { body, kept } = await post((req, hear) => {
    // In a way that the body does not look for.
    const { push } = Readable.prototype as { push: (this: Readable, chunk: unknown) => boolean };
    Readable.prototype.push = function (this: Readable, chunk: Buffer | null): boolean {
      if (this === req && chunk !== null) hear(chunk);
      return push.call(this, chunk);
    };
    req.on('close', () => (Readable.prototype.push = push));
  });
  expect(body.equals(sent)).toBe(true);
  expect(kept.filter(({ length }) => length === 0).length).toBeGreaterThan(0);
});

test.each<[string, (req: IncomingMessage, hear: (chunk: Buffer) => void) => void]>([
  ['listens before', (req, hear) => req.on('data', hear)],
  ['listens once before', (req, hear) => req.once('data', hear)],
  ['listens after', (req, hear) => setImmediate(() => req.on('data', hear))],
  [
    'has put itself in front of the events',
    (req, hear) => {
      const emit = req.emit.bind(req);
      req.emit = (name: string, ...values: unknown[]): boolean => {
        if (name === 'data') hear(values[0] as Buffer);
        return emit(name as 'data', ...values);
      };
    },
  ],
])('chunks are left to somebody who %s', async (_, listen) => {
  const { body, heard, kept } = await post(listen);
  expect(body.equals(sent)).toBe(true);
  expect(kept.every((chunk, i) => chunk.equals(heard[i]!))).toBe(true);
  expect(kept.length).toBeGreaterThan(0);
});
