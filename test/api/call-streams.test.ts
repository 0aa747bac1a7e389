import { cpSync, createReadStream, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import type { CallReply, PluginHost } from '../../src';
import { compile } from '../support/compile';
import { embed } from '../support/embed';
import { scratch } from '../support/server';
import { until } from '../support/until';

test.each(['thread', 'process'] as const)('the example of docs/api.md, in mode "%s"', async (mode) => {
  const root = path.resolve(__dirname, '../..');
  const page = readFileSync(path.join(root, 'docs/api.md'), 'utf8');
  const code = Array.from(page.matchAll(/^```js\n(.*?)^```/gms), ([, text]) => text!).find((text) => text.includes('stream: true'))!;
  const { host, pluginpath } = await embed([], { plugins: { mode } });
  cpSync(compile(path.join(root, 'examples/c-stream/c-stream.c')), path.join(pluginpath, 'model.so'));
  const large = path.join(scratch(), 'large.iso');
  writeFileSync(large, Buffer.alloc(3_000_000));
  const written: string[] = [];
  const surroundings = { host, process: { stdout: { write: (part: Buffer) => written.push(part.toString()) } }, createReadStream };
  // eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call -- the page's own text
  const sum = (await new Function(...Object.keys(surroundings), `return (async () => { ${code.replace('large.iso', large)}; return sum; })()`)(...Object.values(surroundings))) as CallReply;
  expect(written.join('')).toBe('data: one\n\ndata: two\n\nevent: done\ndata:\n\n');
  expect(JSON.parse(sum.body.toString())).toMatchObject({ bytes: 3_000_000 });
  await host.close();
});

describe.each(['thread', 'process'] as const)('host.call in mode "%s"', (mode) => {
  let host: PluginHost;

  beforeAll(async () => {
    ({ host } = await embed(['writes.c', 'uploads.c', 'echo.c', 'bytes.c'], { plugins: { mode }, http: { bodylimit: '64KB' } }));
  });
  afterAll(() => host.close());

  async function* many(parts: number, length: number): AsyncGenerator<Buffer> {
    for (let i = 0; i < parts; i++) yield await Promise.resolve(Buffer.alloc(length, i));
  }

  it('gives a reply in parts as a whole, unless it is asked for a stream', async () => {
    const whole = await host.call('writes', 'Count', { query: 'n=2' });
    expect([whole.status, whole.headers['x-parts'], whole.body.toString()]).toEqual([201, 'yes', 'part 0\npart 1\nlast']);
    const { status, headers, body } = await host.call('writes', 'Count', { query: 'n=2', stream: true });
    expect([status, headers['x-parts'], body instanceof Readable]).toEqual([201, 'yes', true]);
    let text = '';
    for await (const part of body) text += String(part);
    expect(text).toBe('part 0\npart 1\nlast');
  });

  it('gives a reply that is one piece as a stream, too', async () => {
    const { body } = await host.call('echo', 'Echo', { stream: true });
    let text = '';
    for await (const part of body) text += String(part);
    expect(JSON.parse(text)).toMatchObject({ method: 'GET' });
  });

  it('has the handler wait for who reads, and tells it when nobody does any more', async () => {
    const { body } = await host.call('writes', 'Flood', { query: 'size=100000&total=100000000000', stream: true });
    const written = async (): Promise<string> => (await host.call('writes', 'Written')).body.toString();
    let read = 0;
    for await (const part of body) {
      read += (part as Buffer).length;
      if (read > 1_000_000) break;
    }
    await until(async () => (await written()).endsWith(' 1'));
    expect(Number((await written()).split(' ')[0])).toBeLessThan(10_000_000);
  });

  it('heeds a signal in mid-stream', async () => {
    const stop = new AbortController();
    const { body } = await host.call('writes', 'Flood', { query: 'size=1000&total=100000000000', stream: true, signal: stop.signal });
    setTimeout(() => stop.abort(new Error('no more')), 20);
    await expect((async () => {
      for await (const part of body) expect(part).toBeDefined();
    })()).rejects.toThrow('no more');
  });

  it('says what breaks a stream off', async () => {
    const { body } = await host.call('writes', 'Break', { stream: true });
    const read: Buffer[] = [];
    await expect((async () => {
      for await (const part of body) read.push(part as Buffer);
    })()).rejects.toMatchObject({ code: 'STREAM_BROKEN' });
    expect(Buffer.concat(read).toString()).toMatch(/^(half)?$/);
    await expect(host.call('writes', 'Break')).rejects.toMatchObject({ code: 'STREAM_BROKEN' });
  });

  it('takes a body from whatever gives it part by part, as the handler takes it', async () => {
    const size = async (body: NonNullable<Parameters<PluginHost['call']>[2]>['body']): Promise<string> => (await host.call('uploads', 'Size', { body: body! })).body.toString();
    expect(await size(many(100, 100_000))).toBe('10000000 0');
    expect(await size(Readable.from(['ab', 'c']))).toBe('3 0');
    expect(await size(Readable.toWeb(Readable.from([Buffer.from('abcd')])) as unknown as AsyncIterable<Buffer>)).toBe('4 0');
    expect(await size('text')).toBe('4 0');
    expect(await size(Buffer.alloc(1_000_000))).toBe('1000000 0');
    expect(await size('')).toBe('0 0');
  });

  it('carries both at once', async () => {
    const { body } = await host.call('uploads', 'Echo', { body: many(50, 100_000), stream: true });
    let length = 0;
    for await (const part of body) length += (part as Buffer).length;
    expect(length).toBe(5_000_000);
  });

  it('collects a body for a handler that takes it as a whole, up to the limit', async () => {
    expect((await host.call('bytes', 'Bytes', { body: many(3, 10) })).body.length).toBe(30);
    let closed = false;
    const parts = (async function* () {
      try {
        yield* many(100, 1000);
      } finally {
        closed = true;
      }
    })();
    await expect(host.call('bytes', 'Bytes', { body: parts })).rejects.toMatchObject({ code: 'BODY_TOO_LARGE' });
    await until(() => closed);
  });

  it('fails with what goes wrong in a body, and with BAD_CALL for parts that are none', async () => {
    const failing = async function* (): AsyncGenerator<Buffer> {
      yield* many(1, 10);
      throw new Error('no disk');
    };
    for (const [plugin, func] of [['uploads', 'Size'], ['bytes', 'Bytes']] as const) {
      await expect(host.call(plugin, func, { body: failing() })).rejects.toThrow('no disk');
      await expect(host.call(plugin, func, { body: Readable.from([{ a: 1 }]) })).rejects.toMatchObject({ code: 'BAD_CALL' });
    }
    await expect(host.call('echo', 'Echo', { stream: 1 } as never)).rejects.toMatchObject({ code: 'BAD_CALL' });
  });
});
