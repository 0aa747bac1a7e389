import { existsSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { openDoors, type Doors } from '../support/doors';
import { scratch } from '../support/server';
import { until } from '../support/until';

let doors: Doors;
let gate: string;
const sockets: Socket[] = [];

beforeEach(async () => {
  gate = path.join(scratch(), 'gate');
  doors = await openDoors(['echo.c', 'gate.c', 'sized_reply.c'], `[plugin.gate.config]\ngate = "${gate}"\n[plugin.gate]\nconcurrency = 32\n`);
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  writeFileSync(gate, '');
  await doors.stop();
});

const request = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: plugins.test\r\n\r\n`;

/** Sends all of it at once; what comes back is read. */
function send(url: string, bytes: string): { socket: Socket; answers: () => string[] } {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  socket.write(bytes);
  return { socket, answers: () => received.split('HTTP/1.1 ').slice(1) };
}

const begun = async (url: string): Promise<number> => Number(await (await fetch(`${url}/_PLUGIN/gate/Begun`)).text());

describe.each(['fast', 'express'] as const)('behind the %s door', (door) => {
  test('a client that sends a thousand requests and leaves costs nobody else anything, and none of those behind are made', async () => {
    const { url } = doors[door];
    const { socket } = send(url, request('/_PLUGIN/gate/Wait').repeat(500));
    await until(async () => existsSync(`${gate}.begun`) && (await begun(url)) === 16);
    // Those that wait for a turn are not even in the plugin's queue.
    expect((await fetch(`${url}/_PLUGIN/gate/Pid`)).status).toBe(200);
    socket.destroy();
    // What was sent before reaches the server before these, its end of that connection among it.
    for (let i = 0; i < 2; i++) expect((await fetch(`${url}/_PLUGIN/gate/Pid`)).status).toBe(200);
    writeFileSync(gate, '');
    await until(async () => (await fetch(`${url}/_PLUGIN/gate/Wait`)).status === 200);
    // The last one is that of the line above.
    expect(await begun(url)).toBe(17);
  });

  test('all of a patient client are answered, in order', async () => {
    const { url } = doors[door];
    const { answers } = send(url, Array.from({ length: 300 }, (_, i) => request(`/_PLUGIN/echo/Echo?n=${i}`)).join(''));
    await until(() => answers().length === 300 && answers()[299]!.endsWith('"body":null}'));
    expect(answers().map((answer) => Number(/"n":\["(\d+)"\]/.exec(answer)?.[1]))).toEqual(Array.from({ length: 300 }, (_, i) => i));
  });

  test('all are answered also where each reply is large enough to be counted', async () => {
    const { url } = doors[door];
    const { socket } = send(url, request('/_PLUGIN/sized_reply/Sized?n=40000').repeat(100));
    let read = 0;
    socket.on('data', (chunk: Buffer) => (read += chunk.length));
    await until(() => read > 100 * 40_000);
  });

  test('a connection that brings more than can wait is cut', async () => {
    const { url } = doors[door];
    const { socket } = send(url, request('/_PLUGIN/gate/Wait').repeat(2000));
    await until(() => socket.destroyed);
    expect((await fetch(`${url}/_PLUGIN/echo/Echo`)).status).toBe(200);
  });
});
