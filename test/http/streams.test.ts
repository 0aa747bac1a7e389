import { readFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { openDoors, type Doors } from '../support/doors';
import type { TestServer } from '../support/server';
import { until } from '../support/until';

/** Real libraries behind a real server. */
describe.each(['thread', 'process'])('streams in mode "%s"', (mode) => {
  let doors: Doors;

  beforeAll(async () => {
    doors = await openDoors(['writes.c', 'uploads.c', 'idle_streams.c'], '', ['--mode', mode]);
  });
  afterAll(() => doors.stop());

  const url = (path: string): string => `${doors.fast.url}/_PLUGIN/${path}`;
  const text = async (path: string, init?: RequestInit): Promise<string> => (await fetch(url(path), init)).text();
  const open = (path: string): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      request(url(path), { agent: false }, resolve).on('error', reject).end();
    });

  test('a reply in parts is the same bytes through either door', async () => {
    const answer = await doors.ask('/_PLUGIN/writes/Count?n=3');
    expect([answer.status, answer.headers.get('x-parts'), answer.body.toString()]).toEqual([201, 'yes', 'part 0\npart 1\npart 2\nlast']);
    expect((await doors.ask('/_PLUGIN/writes/Empty')).body.length).toBe(0);
  });

  test('a long one arrives whole at a slow client, and the handler waits for it', async () => {
    const total = 40_000_000;
    const answer = await open(`writes/Flood?size=100000&total=${total}`);
    answer.pause();
    let before = -1;
    await until(async () => {
      const [now] = (await text('writes/Written')).split(' ').map(Number);
      const stands = now === before && now > 0;
      before = now!;
      if (!stands) await new Promise((resolve) => setTimeout(resolve, 200));
      return stands;
    });
    expect(before).toBeLessThan(total);
    let at = 0;
    for await (const part of answer as AsyncIterable<Buffer>) {
      if (part[0] !== at % 251 || part[part.length - 1] !== (at + part.length - 1) % 251) throw new Error(`other bytes at ${at}`);
      at += part.length;
    }
    expect(at).toBe(total);
  });

  test('a client that leaves ends it', async () => {
    const answer = await open('writes/Flood?size=100000&total=100000000000');
    answer.on('error', () => undefined).destroy();
    await until(async () => (await text('writes/Written')).endsWith(' 1'));
  });

  test('one that the handler breaks off is seen not to be whole, and the log says so', async () => {
    const answer = await open('writes/Break');
    await new Promise((resolve) => answer.resume().on('close', resolve).on('error', () => undefined));
    expect(answer.complete).toBe(false);
    await until(() => doors.fast.log().some(({ code }) => code === 'STREAM_BROKEN'));
  });

  test('a thousand that are idle hold no thread', async () => {
    const answers = await Promise.all(Array.from({ length: 1000 }, () => open('idle_streams/Idle')));
    await until(async () => (await text('idle_streams/Count')) === '1000');
    expect(threads(doors.fast)).toBeLessThan(60);
    expect(await text('idle_streams/End', { method: 'POST' })).toBe('1000');
    for (const answer of answers) {
      let whole = '';
      for await (const part of answer) whole += String(part);
      expect(whole).toBe('here,there');
    }
  });

  test('an upload of 300 MB passes in constant memory', async () => {
    const total = 300_000_000;
    const part = Buffer.alloc(1_000_000);
    await text('uploads/Size', { method: 'POST', body: part });
    const before = peak(doors.fast);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const req = request(url('uploads/Size'), { method: 'POST', headers: { 'Content-Length': total } }, resolve).on('error', reject);
      let sent = 0;
      const more = (): void => {
        while (sent < total) {
          sent += part.length;
          if (!req.write(part)) return;
        }
        req.end();
      };
      req.on('drain', more);
      more();
    });
    let said = '';
    for await (const chunk of answer) said += String(chunk);
    expect(said).toBe(`${total} 0`);
    expect(peak(doors.fast) - before).toBeLessThan(100_000_000);
  });

  test('a body goes out while it comes in', async () => {
    const req = request(url('uploads/Echo'), { method: 'POST' });
    const answered = new Promise<IncomingMessage>((resolve, reject) => req.on('response', resolve).on('error', reject));
    req.write('one');
    const answer = await answered;
    let back = '';
    answer.on('data', (chunk: Buffer) => (back += chunk.toString()));
    await until(() => back === 'one');
    req.end('two');
    await until(() => answer.complete);
    expect(back).toBe('onetwo');
  });
});

/** Of all its processes. */
function pids({ process: { pid } }: TestServer): number[] {
  const below = (one: number): number[] => {
    const children = readFileSync(`/proc/${one}/task/${one}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
    return [one, ...children.flatMap(below)];
  };
  return below(pid!);
}

function statusOf(server: TestServer, key: string): number[] {
  return pids(server).map((pid) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]));
}

/** The most memory that its processes have had together, in bytes. */
const peak = (server: TestServer): number => statusOf(server, 'VmHWM').reduce((sum, kilobytes) => sum + kilobytes * 1024, 0);

const threads = (server: TestServer): number => statusOf(server, 'Threads').reduce((sum, one) => sum + one, 0);
