import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { Instance } from '../../../src/plugin/runtime';
import { freeBuffer, makeRoom } from '../../../src/runtimes/native/memory';
import { threadRuntime } from '../../../src/runtimes/native/runtime';
import { compileFixture } from '../../support/compile';
import { bytesOf, callHandler, copyLibrary, pluginSource } from '../../support/runtime';
import { until } from '../../support/until';

/** Of its own mapping: who reads it when it was freed ends this process. */
const SIZE = 4 * 1024 * 1024;

let directory: string;
let gate: string;
let plugin: Instance;

beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'dlserve-rooms-'));
  gate = path.join(directory, 'gate');
  const library = copyLibrary(compileFixture('late_bytes.c'));
  plugin = await threadRuntime().open(pluginSource(library, { symbols: ['POSTLateHandler'], settings: { config: { gate } } }));
});
afterEach(async () => {
  writeFileSync(gate, '');
  await plugin.close(10_000);
  rmSync(directory, { recursive: true });
});

/** What a handler finds in its body that was taken away after it began. */
async function readLate(body: Buffer, view: Buffer): Promise<Buffer> {
  const reply = callHandler(plugin, 0, { body: view });
  await until(() => existsSync(`${gate}.begun`));
  body.fill('b');
  freeBuffer(body);
  expect([body.length, view.length]).toEqual([0, 0]);
  for (let i = 0; i < 10; i++) await turn();
  writeFileSync(gate, '');
  return bytesOf(await reply)!;
}

test('a body in a room is read where it is, and lasts as long as its handler reads', async () => {
  const room = makeRoom(SIZE).fill('a');
  const found = await readLate(room, room.subarray(1, SIZE - 1));
  expect(found.equals(Buffer.alloc(SIZE - 2, 'b'))).toBe(true);
});

test('any other body is copied', async () => {
  const body = Buffer.alloc(SIZE, 'a');
  expect((await readLate(body, body)).equals(Buffer.alloc(SIZE, 'a'))).toBe(true);
});

test('what is short is copied from a room, too', async () => {
  const room = makeRoom(SIZE).fill('a');
  expect((await readLate(room, room.subarray(0, 100))).equals(Buffer.alloc(100, 'a'))).toBe(true);
});
