import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { compileFixture } from './compile';
import { scratch, startServer, type TestServer } from './server';

/** A whole response, as it came. */
export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
  json(): unknown;
}

export interface Request {
  readonly method?: string;
  readonly path: string;
  /** Whole lines, such as "X-A: b". */
  readonly headers?: readonly string[];
  /** A string is sent with its Content-Length. */
  readonly body?: string | Buffer;
  /** Sent as it is after the head, which then says nothing of a length. */
  readonly raw?: Buffer;
}

/** Two servers on one pluginpath, one with the fast lane and one without, and one who asks both. */
export interface Doors {
  readonly pluginpath: string;
  readonly fast: TestServer;
  readonly express: TestServer;
  /** Asks through both doors; the two responses must be the same bytes but for the Date. */
  ask(request: Request | string): Promise<Answer>;
  stop(): Promise<void>;
}

/**
 * @param libraries fixtures to serve, each under its file's name
 * @param toml more configuration
 */
export async function openDoors(libraries: readonly string[], toml = '', args: readonly string[] = []): Promise<Doors> {
  const cwd = scratch();
  const pluginpath = path.join(cwd, 'lib');
  mkdirSync(pluginpath);
  for (const fixture of libraries) cpSync(compileFixture(fixture), path.join(pluginpath, `${path.parse(fixture).name}.so`));
  writeFileSync(path.join(cwd, 'prest.toml'), toml);
  const [fast, express] = await Promise.all([
    startServer(args, { cwd }),
    startServer(args, { cwd, env: { PREST_HTTP_FASTLANE: 'false' } }),
  ]);
  return {
    pluginpath,
    fast,
    express,
    async ask(request) {
      const asked = typeof request === 'string' ? { path: request } : request;
      const [a, b] = await Promise.all([send(fast.url, asked), send(express.url, asked)]);
      expect(withoutDate(b).toString('latin1')).toBe(withoutDate(a).toString('latin1'));
      return parseAnswer(a);
    },
    async stop() {
      await Promise.all([fast.stop(), express.stop()]);
    },
  };
}

/** Sends one request on a connection of its own and resolves with every byte that came back. */
export function send(url: string, { method, path: target, headers = [], body, raw }: Request): Promise<Buffer> {
  const { hostname, port } = new URL(url);
  const lines = [`${method ?? (body === undefined ? 'GET' : 'POST')} ${target} HTTP/1.1`, 'Host: plugins.test', ...headers];
  if (body !== undefined) lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(`${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`, 'latin1');
      if (body !== undefined) socket.write(body);
      if (raw !== undefined) socket.write(raw);
    });
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    // The server may be done with a request before it was sent whole.
    socket.on('error', (error) => (chunks.length > 0 ? undefined : reject(error)));
    socket.on('close', () => resolve(Buffer.concat(chunks)));
  });
}

function withoutDate(response: Buffer): Buffer {
  let end = response.indexOf('\r\n\r\n');
  // The date is that of the answer, which comes behind a "100 Continue".
  if (/^HTTP\/1\.1 1\d\d /.test(response.subarray(0, end).toString('latin1'))) end = response.indexOf('\r\n\r\n', end + 4);
  const head = response.subarray(0, end).toString('latin1').replace(/\r\nDate: [^\r]*/i, '');
  return Buffer.concat([Buffer.from(head, 'latin1'), response.subarray(end)]);
}

/** Reads a response whose end is the end of the connection. */
export function parseAnswer(response: Buffer): Answer {
  const end = response.indexOf('\r\n\r\n');
  const [first, ...lines] = response.subarray(0, end).toString('latin1').split('\r\n');
  const headers = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]));
  const rest = response.subarray(end + 4);
  const body = headers.get('transfer-encoding') === 'chunked' ? unchunk(rest) : rest;
  return { status: Number(first?.split(' ')[1]), headers, body, json: () => JSON.parse(body.toString()) as unknown };
}

function unchunk(bytes: Buffer): Buffer {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const line = bytes.indexOf('\r\n', at);
    const length = parseInt(bytes.subarray(at, line).toString('latin1'), 16);
    if (!(length > 0)) return Buffer.concat(chunks);
    chunks.push(bytes.subarray(line + 2, line + 2 + length));
    at = line + 2 + length + 2;
  }
}
