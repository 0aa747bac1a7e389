import { spawnSync } from 'node:child_process';
import path from 'node:path';
import type { DlserveError } from '../../../src/ground/errors';
import type { RawReply } from '../../../src/plugin/reply';
import { MAX_REPLY_HEADERS } from '../../../src/plugin/reply-headers';
import { bytesOf, callHandler, head } from '../../support/runtime';
import { until } from '../../support/until';
import { builtRunner } from './built-runner';
import { closeAll, compileInnocent, openLibrary, type Opened, type OpenOptions } from './harness';

const MB = 1024 * 1024;
const INNOCENT = `${head()}null}`;
const SYMBOLS = ['GETBytesHandler', 'GETHeadersHandler', 'GETEchoHandler', 'GETPidHandler'];

afterEach(closeAll);

const open = (options: OpenOptions = {}): Promise<Opened> => openLibrary(compileInnocent('sized.c'), SYMBOLS, options);

const bytes = ({ plugin }: Opened, length: number, seed = 0): Promise<RawReply> =>
  callHandler(plugin, 0, { query: `bytes=${length}&seed=${seed}` });

const expected = (length: number, seed: number): Buffer => Buffer.alloc(length, Buffer.from(Array.from({ length: 256 }, (_, i) => i + seed)));

describe('a large reply', () => {
  it('arrives whole, whatever its size', async () => {
    const opened = await open();
    for (const length of [0, 1, 16_384, 32_767, 32_768, 32_769, 131_071, 131_072, 131_073, 8 * 131_072, 8 * 131_072 + 1, 5_000_000]) {
      const got = bytesOf(await bytes(opened, length, 7))!;
      expect([length, got.length, got.equals(expected(length, 7))]).toEqual([length, length, true]);
    }
  });

  it('of one thread arrives whole beside those of others, and small ones between them', async () => {
    const opened = await open();
    const sizes = Array.from({ length: 120 }, (_, i) => (i % 3 === 0 ? 100 + i : (i * 7919 * 131) % (6 * MB)));
    const replies = await Promise.all(sizes.map((length, i) => bytes(opened, length, i)));
    for (const [i, reply] of replies.entries()) expect([i, bytesOf(reply)!.equals(expected(sizes[i]!, i))]).toEqual([i, true]);
  });

  it('lets small ones pass', async () => {
    const opened = await open();
    const answered: string[] = [];
    const large = bytes(opened, 200 * MB).finally(() => answered.push('large'));
    await until(() => opened.lines.some((line) => line.msg === 'given'));
    while (!answered.includes('large')) {
      expect(await opened.ask('GETEchoHandler')).toBe(INNOCENT);
      answered.push('small');
    }
    expect(answered.indexOf('large')).toBeGreaterThan(10);
    expect(bytesOf(await large)!.length).toBe(200 * MB);
  });

  it('that is refused for its size costs nothing else', async () => {
    const opened = await open();
    const refused = [bytes(opened, 256 * MB + 1), callHandler(opened.plugin, 1, { query: `bytes=${250 * MB}` })];
    const errors = await Promise.all(refused.map((reply) => reply.then(() => null, (error: unknown) => error as DlserveError)));
    expect(errors.map((error) => [error?.code, error?.message])).toEqual([
      ['REPLY_TOO_LARGE', `GETBytesHandler gave a reply of ${256 * MB + 1} bytes, the limit is ${256 * MB}`],
      ['BAD_HEADERS', `GETHeadersHandler gave a malformed reply header: ${250 * MB} bytes of headers, the limit is ${MAX_REPLY_HEADERS}`],
    ]);
    expect(await opened.ask('GETEchoHandler')).toBe(INNOCENT);
    expect(opened.deaths()).toEqual([]);
  });
});

describe('header lines', () => {
  it('may be as long as the limit', async () => {
    const opened = await open();
    for (const length of [20_000, 40_000, MAX_REPLY_HEADERS]) {
      const { headers, body } = await callHandler(opened.plugin, 1, { query: `bytes=${length}` });
      expect([headers?.length, /^X: x+$/.test(headers!), body]).toEqual([length, true, 'short']);
    }
    await expect(callHandler(opened.plugin, 1, { query: `bytes=${MAX_REPLY_HEADERS + 1}` })).rejects.toMatchObject({ code: 'BAD_HEADERS' });
  });
});

(process.platform === 'linux' ? describe : describe.skip)('a host that has no memory for a reply', () => {
  it('says so to that call, and goes on', () => {
    const script = path.join(__dirname, 'narrow-host.ts');
    const args = ['-r', require.resolve('../../support/typescript-require.js'), script, builtRunner(), compileInnocent('sized.c')];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect({ stdout, stderr }).toEqual({
      stdout: [
        'BAD: OUT_OF_MEMORY the server has no memory for the 262144000 bytes that GETBytesHandler replied',
        'good: 8000000 bytes', 'good: 5 bytes', '',
      ].join('\n'),
      stderr: '',
    });
  });
});
