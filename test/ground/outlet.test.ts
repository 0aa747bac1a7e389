import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs';
import { once } from 'node:events';
import path from 'node:path';
import { scratch } from '../support/server';
import { until } from '../support/until';

const compiled = path.resolve(__dirname, '../../dist/ground/log.js');
/** Of a program that logs until it is told enough. */
const MANY = 20_000;
const children: ChildProcess[] = [];
const descriptors: number[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const descriptor of descriptors.splice(0)) closeSync(descriptor);
});

/** Runs a program that has a `log`, and a function `lines` that writes so many numbered ones. */
function program(body: string, stderr: number | 'pipe'): ChildProcess {
  const prelude = `
    const log = require(${JSON.stringify(compiled)}).createLog('info');
    let n = 0;
    const lines = (count) => { while (count-- > 0) log.info({ n: n++, pad: 'x'.repeat(n % 300) }, 'line'); };`;
  const child = spawn(process.execPath, ['-e', `${prelude}\n${body}`], { stdio: ['pipe', 'pipe', stderr] });
  children.push(child);
  return child;
}

/** The end of a program, which has ended by itself if it is a number. */
const endOf = async (child: ChildProcess): Promise<unknown> => {
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  return signal ?? code;
};

/** A pipe, as shells make it, that has a reader from the start: the test. */
class Pipe {
  readonly #path = path.join(scratch(), 'pipe');
  #reader: number;
  #text = '';

  constructor() {
    execFileSync('mkfifo', [this.#path]);
    this.#reader = this.#openReader();
  }

  #openReader(): number {
    return openSync(this.#path, constants.O_RDONLY | constants.O_NONBLOCK);
  }

  /** A descriptor for a writer. */
  writer(): number {
    const writer = openSync(this.#path, 'w');
    descriptors.push(writer);
    return writer;
  }

  leave(): void {
    closeSync(this.#reader);
  }

  comeBack(): void {
    this.#reader = this.#openReader();
  }

  /** What has come so far. */
  read(): string {
    const chunk = Buffer.alloc(65536);
    try {
      for (let length = 1; length > 0; ) {
        length = readSync(this.#reader, chunk);
        this.#text += chunk.toString('latin1', 0, length);
      }
    } catch {
      // There is no more for now.
    }
    return this.#text;
  }
}

interface Line {
  readonly n?: number;
  readonly msg: string;
}

/** Every line must be whole. */
const parse = (text: string): Line[] => text.trimEnd().split('\n').map((line) => JSON.parse(line) as Line);

/** How many lines a log says were dropped, and why. */
function dropsOf(lines: readonly Line[]): { count: number; reasons: (string | undefined)[] } {
  const drops = lines.flatMap(({ msg }) => /^(\d+) lines of the log were dropped: (.*)$/.exec(msg) ?? []);
  const matches = Array.from({ length: drops.length / 3 }, (_, i) => drops.slice(3 * i, 3 * i + 3));
  return { count: matches.reduce((sum, [, count]) => sum + Number(count), 0), reasons: matches.map(([, , reason]) => reason) };
}

test('a line is there at once, whatever becomes of its writer', async () => {
  const child = program("lines(1); process.kill(process.pid, 'SIGKILL');", 'pipe');
  let text = '';
  child.stderr!.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(child, 'close');
  expect(parse(text)).toMatchObject([{ n: 0, msg: 'line' }]);
});

test('a reader that sleeps holds nobody up; when it reads on, each line is whole and what is missing was counted', async () => {
  const pipe = new Pipe();
  const child = program(`lines(${MANY}); process.stdout.write('on'); process.stdin.once('data', () => { lines(10); process.exit(0); });`, pipe.writer());
  expect(String(await once(child.stdout!, 'data'))).toBe('on');
  await until(() => pipe.read().includes('were dropped'));
  child.stdin!.write('go on');
  expect(await endOf(child)).toBe(0);
  const lines = parse(pipe.read());
  const numbers = lines.flatMap(({ n }) => n ?? []);
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  expect(numbers.slice(-10)).toEqual(Array.from({ length: 10 }, (_, i) => MANY + i));
  const { count, reasons } = dropsOf(lines);
  expect(numbers.length + count).toBe(MANY + 10);
  expect(count).toBeGreaterThan(0);
  expect(reasons).toContain('its reader was too slow');
});

test('a socket whose reader sleeps is the same', async () => {
  const child = program(`lines(${MANY}); process.stdout.write('on'); process.stdin.once('data', () => process.exit(0));`, 'pipe');
  expect(String(await once(child.stdout!, 'data'))).toBe('on');
  let text = '';
  child.stderr!.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await until(() => text.includes('were dropped'));
  child.stdin!.write('end');
  await once(child, 'close');
  const lines = parse(text);
  expect(lines.flatMap(({ n }) => n ?? []).length + dropsOf(lines).count).toBe(MANY);
});

test('a reader that goes and another that comes are told what was dropped between', async () => {
  const pipe = new Pipe();
  const child = program(`process.stdin.on('data', () => { lines(${MANY}); process.stdout.write('on'); });`, pipe.writer());
  pipe.leave();
  child.stdin!.write('go');
  expect(String(await once(child.stdout!, 'data'))).toBe('on');
  pipe.comeBack();
  const text = await until(() => (pipe.read().includes('were dropped') ? pipe.read() : undefined));
  const { count, reasons } = dropsOf(parse(text));
  expect(count).toBeGreaterThan(0);
  expect(reasons).toEqual([expect.stringContaining('EPIPE')]);
});

test('a disk that is full ends nobody', async () => {
  const full = openSync('/dev/full', 'w');
  descriptors.push(full);
  const child = program("lines(100); setTimeout(() => { lines(100); process.stdout.write('on'); }, 10);", full);
  expect(String(await once(child.stdout!, 'data'))).toBe('on');
  expect(await endOf(child)).toBe(0);
});

test('the end waits for no reader', async () => {
  const pipe = new Pipe();
  const child = program('lines(5000);', pipe.writer());
  expect(await endOf(child)).toBe(0);
  expect(pipe.read()).toMatch(/^\{"level":30,.*"n":0,/);
});

test.each(['a pipe', 'a socket'])('%s whose mode another process has changed holds nobody up either', async (kind) => {
  const pipe = new Pipe();
  // What Node.js starts begins with its standard streams in blocking mode, and they are ours.
  const change = "require('node:child_process').spawnSync('true', { stdio: 'inherit' });";
  const child = program(`lines(1); ${change} lines(${MANY}); process.stdout.write('on'); process.stdin.resume();`, kind === 'a pipe' ? pipe.writer() : 'pipe');
  expect(String(await once(child.stdout!, 'data'))).toBe('on');
});

test('what is written of a file is where others write, too', async () => {
  const file = path.join(scratch(), 'log');
  const both = openSync(file, 'w');
  descriptors.push(both);
  const child = spawn(process.execPath, ['-e', `const log = require(${JSON.stringify(compiled)}).createLog('info'); for (const n of [1, 2]) { log.info('line'); require('node:fs').writeSync(1, 'other\\n'); }`], {
    stdio: ['ignore', both, both],
  });
  expect(await endOf(child)).toBe(0);
  expect(readFileSync(file, 'utf8')).toMatch(/^\{.*line"\}\nother\n\{.*line"\}\nother\n$/);
});
