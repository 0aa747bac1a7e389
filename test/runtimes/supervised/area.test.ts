import { createHash } from 'node:crypto';
import { ftruncateSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { RawReply } from '../../../src/plugin/reply';
import { Area } from '../../../src/runtimes/supervised/runner/area';
import { Blocks } from '../../../src/runtimes/supervised/runner/blocks';
import { AreaLayout, ProtocolError } from '../../../src/runtimes/supervised/runner/protocol';
import { compileFixture } from '../../support/compile';
import { bytesOf, callHandler } from '../../support/runtime';
import { until } from '../../support/until';
import { closeAll, compileInnocent, isAlive, openLibrary, type Opened } from './harness';

const MB = 1024 * 1024;
const { BLOCK, REPLIES, REPLY_BLOCKS, REQUESTS, SIZE, LEAST } = AreaLayout;
const SIZES = [0, 1, 16_383, 16_384, LEAST - 1, LEAST, LEAST + 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, MB - 1, MB, MB + 1, 5_000_000];

afterEach(closeAll);

/** What a process has of the memory of areas, in kilobytes; and how many areas it maps. */
function areasOf(pid: number | 'self'): { kilobytes: number; count: number } {
  const maps = readFileSync(`/proc/${pid}/smaps`, 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m).filter((map) => map.includes('memfd:dlserve-area'));
  return { kilobytes: maps.reduce((sum, map) => sum + Number(/^Rss:\s+(\d+)/m.exec(map)![1]), 0), count: maps.length };
}

function pattern(length: number, seed: number): Buffer {
  return Buffer.alloc(length, Buffer.from(Array.from({ length: 251 }, (_, i) => i + seed)));
}

describe('blocks', () => {
  it('are given the lowest first, in a row, and never twice', () => {
    const blocks = new Blocks(8);
    expect([blocks.take(3), blocks.take(2), blocks.take(4), blocks.take(3), blocks.take(1)]).toEqual([0, 3, -1, 5, -1]);
    blocks.give(3, 2);
    expect([blocks.take(3), blocks.take(1), blocks.take(1), blocks.take(1)]).toEqual([-1, 3, 4, -1]);
    blocks.give(0, 8);
    expect([blocks.used, blocks.claim(2, 3), blocks.claim(4, 1), blocks.claim(7, 2), blocks.claim(-1, 1), blocks.claim(0.5, 1), blocks.claim(NaN, 1), blocks.take(3), blocks.take(2)])
      .toEqual([0, true, false, false, false, false, false, 5, 0]);
  });
});

(process.platform === 'linux' ? describe : describe.skip)('the area', () => {
  it('can neither be cut nor extended by whoever has it', () => {
    const area = Area.open()!;
    const other = openSync(`/proc/self/fd/${area.descriptor}`, 'r+');
    expect(() => ftruncateSync(other, 0)).toThrow('EPERM');
    expect(() => ftruncateSync(other, SIZE + 1)).toThrow('EPERM');
    area.close();
  });

  it('has room for requests until they are answered, and no more than there is', () => {
    const area = Area.open()!;
    const body = Buffer.alloc(32 * MB);
    const places = Array.from({ length: 5 }, (_, id) => area.put(id, [body], body.length));
    expect(places).toEqual([0, 32 * MB, 64 * MB, 96 * MB, -REQUESTS].map((place) => REQUESTS + place));
    area.answered(1);
    area.answered(1);
    area.answered(99);
    expect([area.put(6, body, body.length), area.put(7, body, body.length)]).toEqual([REQUESTS + 32 * MB, 0]);
    area.close();
    expect(area.put(8, body, body.length)).toBe(0);
  });

  it('believes nothing of where a reply is', () => {
    const area = Area.open()!;
    const held = area.take(REPLIES + BLOCK, BLOCK + 1);
    const end = REPLIES + REPLY_BLOCKS * BLOCK;
    for (const [offset, length] of [[0, 1], [REPLIES - BLOCK, 1], [REPLIES + 1, 1], [REPLIES, 0], [REPLIES, -1], [REPLIES, NaN], [NaN, 1], [Infinity, 1], [REPLIES, Infinity],
      [REPLIES, BLOCK + 1], [REPLIES + BLOCK, 1], [REPLIES + 2 * BLOCK, 1], [end, 1], [end - BLOCK, BLOCK + 1], [REQUESTS, 1], [-BLOCK, 1]]) {
      expect(() => area.take(offset!, length!)).toThrow(ProtocolError);
    }
    held.release();
    held.release();
    expect(area.take(REPLIES + 2 * BLOCK, 1).body).toEqual(Buffer.from([0]));
    area.close();
  });

  it('is not mapped any more when it is closed and nothing of it is held', async () => {
    const before = areasOf('self').count;
    const held = Array.from({ length: 20 }, () => {
      const area = Area.open()!;
      const { body, release } = area.take(REPLIES, MB);
      area.close();
      expect(body).toHaveLength(MB);
      return release;
    });
    expect(areasOf('self').count).toBe(before + 20);
    for (const release of held) release();
    await until(() => areasOf('self').count <= before);
  });
});

describe('large bodies', () => {
  it('are exact, whatever their size, in both directions', async () => {
    const { plugin } = await openLibrary(compileFixture('bytes.c'), ['POSTBytesHandler']);
    for (const [seed, length] of SIZES.entries()) {
      const body = pattern(length, seed);
      const reply = await callHandler(plugin, 0, { body });
      expect([length, bytesOf(reply)?.length, bytesOf(reply)?.equals(body)]).toEqual([length, length, true]);
      reply.release?.();
    }
  });

  const sized = (): Promise<Opened> => openLibrary(compileInnocent('sized.c'), ['GETBytesHandler', 'GETPidHandler']);
  const ask = ({ plugin }: Opened, bytes: number, seed: number): Promise<RawReply> => callHandler(plugin, 0, { query: `bytes=${bytes}&seed=${seed}` });
  const expected = (length: number, seed: number): Buffer => Buffer.alloc(length, Buffer.from(Array.from({ length: 256 }, (_, i) => i + seed)));
  const pidOf = async ({ plugin }: Opened): Promise<number> => Number(bytesOf(await callHandler(plugin, 1))!.toString());

  it('stay what they are until they are released, and come another way where there is no room', async () => {
    const opened = await sized();
    const replies: RawReply[] = [];
    for (let seed = 0; seed < 40; seed++) replies.push(await ask(opened, 8 * MB, seed));
    const isLent = replies.map(({ release }) => release !== undefined);
    if (process.platform === 'linux') expect(isLent).toEqual(replies.map((_, i) => i < 32));
    for (const [seed, reply] of replies.entries()) expect([seed, bytesOf(reply)!.equals(expected(8 * MB, seed))]).toEqual([seed, true]);
    for (const { release } of replies) release?.();
    const again = await ask(opened, 8 * MB, 77);
    expect([bytesOf(again)!.equals(expected(8 * MB, 77)), again.release !== undefined]).toEqual([true, process.platform === 'linux']);
    again.release?.();
  });

  (process.platform === 'linux' ? it : it.skip)('leave no memory behind', async () => {
    const opened = await sized();
    const pid = await pidOf(opened);
    for (let call = 0; call < 1000; call++) {
      const reply = await ask(opened, 40_000 + (call % 10) * 30_000, call);
      reply.release?.();
    }
    expect(areasOf(pid).kilobytes).toBeLessThan(2000);
    await until(() => areasOf(pid).kilobytes === 0 || areasOf(pid).kilobytes <= 4);
    expect(bytesOf(await ask(opened, MB, 3))!.equals(expected(MB, 3))).toBe(true);
  });

  it('outlive the process that gave them', async () => {
    const opened = await sized();
    const pid = await pidOf(opened);
    const [reply, other] = [await ask(opened, MB, 9), await ask(opened, MB, 10)];
    process.kill(pid, 'SIGKILL');
    await until(() => !isAlive(pid) && opened.deaths().length === 1);
    const next = await ask(opened, MB, 11);
    expect([bytesOf(reply)!.equals(expected(MB, 9)), bytesOf(other)!.equals(expected(MB, 10)), bytesOf(next)!.equals(expected(MB, 11))]).toEqual([true, true, true]);
    for (const { release } of [reply, other, next]) release?.();
  });
});

const headers = ['native/runner/shared.h', 'native/runner/protocol.h', 'test/fixtures/native/attack.h', 'test/fixtures/native/innocent.h'];
const HEADERS = createHash('sha256').update(headers.map((file) => readFileSync(path.resolve(__dirname, '../../..', file), 'utf8')).join('')).digest('hex').slice(0, 8);

(process.platform === 'linux' ? it : it.skip).each([
  ['beyond the end', `offset=${REQUESTS}&length=5`],
  ['across the end', `offset=${REQUESTS - BLOCK}&length=${BLOCK + 1}`],
  ['between blocks', `offset=${REPLIES + 1}&length=5`],
  ['in the table', 'offset=0&length=5'],
  ['without a length', `offset=${REPLIES}&length=nan`],
])('a library that says that its reply is %s is ended', async (_, query) => {
  const { plugin, ask, lines } = await openLibrary(compileFixture('attack_area.c', [`-DHEADERS=0x${HEADERS}`]), ['GETFaultHandler', 'GETPidHandler']);
  const pid = Number(await ask('GETPidHandler'));
  expect(await ask('GETFaultHandler', { query })).toBe('PLUGIN_CRASHED');
  await until(() => !isAlive(pid));
  expect(lines.filter(({ msg }) => msg.startsWith('the runner sent')).map(({ msg }) => msg)).toEqual([expect.stringMatching(/^the runner sent a body of .* bytes at \d+ of the area/)]);
  expect(Number(await ask('GETPidHandler'))).not.toBe(pid);
  expect(plugin.outstanding).toBe(0);
});
