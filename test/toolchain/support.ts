import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import pino from 'pino';
import { libraryEndings } from '../../src/binary/endings';
import { Toolchain, type BuildEvent, type ToolchainOptions } from '../../src/toolchain/toolchain';

const root = path.resolve(__dirname, '../..');
const folders: string[] = [];

/** A pluginpath of its own; `files` are texts by their path inside it. */
export function pluginpath(files: Readonly<Record<string, string>> = {}): string {
  // Links resolved, since on some systems the folder for temporary files is behind one.
  const folder = mkdtempSync(path.join(os.tmpdir(), 'dlserve-toolchain-'));
  folders.push(folder);
  mkdirSync(path.join(folder, 'src'));
  for (const [name, text] of Object.entries(files)) write(folder, name, text);
  return folder;
}

export function write(folder: string, name: string, text: string): void {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** Copies sources into a pluginpath: files and folders of test/fixtures/go. */
export function copyGo(folder: string, ...names: string[]): void {
  for (const name of names) cpSync(path.join(root, 'test/fixtures/go', name), path.join(folder, 'src', name), { recursive: true });
}

export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

export interface Line {
  readonly level: number;
  readonly msg: string;
  readonly plugin?: string;
}

/** A toolchain, and everything that it logs and tells. */
export function toolchain(folder: string, options: Partial<ToolchainOptions> = {}) {
  const lines: Line[] = [];
  const events: BuildEvent[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(JSON.parse(line) as Line) });
  const chain = new Toolchain({ pluginpath: folder, log, onProgress: (event) => events.push(event), ...options });
  return { chain, lines, events };
}

/** Builds everything once. @returns the state of each plugin, its event, and the log */
export async function build(folder: string, options: Partial<ToolchainOptions> = {}, names?: readonly string[]) {
  const { chain, lines, events } = toolchain(folder, options);
  const ended = await chain.build(names);
  const states = Object.fromEntries(ended.map(({ name, state }) => [name, state]));
  return { chain, lines, events, states, ended: new Map(ended.map((event) => [event.name, event])) };
}

export function library(folder: string, name: string): string {
  return path.join(folder, name + libraryEndings()[0]!);
}

/** SHA-256 of every file below a folder, hidden ones too, by name. */
export function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(path.join(folder, name)).isFile());
  return Object.fromEntries(
    files.sort().map((name) => [name, createHash('sha256').update(readFileSync(path.join(folder, name))).digest('hex')]),
  );
}

export interface Answer {
  /** -1: the handler has set none; undefined: there is no such handler. */
  readonly status: number | undefined;
  readonly body: string;
}

export const REQUEST = '{"http_vars":{"file":"hello","func":"Hello"},"url_query":{"abc":["123"]},"method":"GET","body":null}';

/** Calls handlers of a library in a process of their own, one after the other. */
export function call(file: string, ...symbols: string[]): { answers: Record<string, Answer>; stderr: string } {
  const { status, stdout, stderr } = spawnSync(driver('driver'), [file, REQUEST, ...symbols], { maxBuffer: Infinity });
  if (status !== 0) throw new Error(`the driver ended with ${String(status)}: ${stderr.toString()}`);
  const answers: Record<string, Answer> = {};
  let at = 0;
  for (const symbol of symbols) {
    const end = stdout.indexOf('\n', at);
    const [code, length] = stdout.toString('utf8', at, end).split(' ').map(Number) as [number, number];
    answers[symbol] = { status: code === -2 ? undefined : code, body: stdout.toString('utf8', end + 1, end + 1 + length) };
    at = end + 1 + length + 1;
  }
  return { answers, stderr: stderr.toString() };
}

/** What the host of test/toolchain/driver-host.c is asked by handlers, line by line. */
export function asked(file: string, symbols: readonly string[], { request = REQUEST, body = '', gone = 1000 } = {}): string[] {
  const { status, stdout, stderr } = spawnSync(driver('driver-host'), [file, request, body, String(gone), ...symbols], { maxBuffer: Infinity });
  if (status !== 0) throw new Error(`the driver ended with ${String(status)}: ${stderr.toString()}`);
  return stdout.toString().split('\n').slice(0, -1);
}

/** A program of test/toolchain, compiled once per content. */
function driver(name: string): string {
  const source = path.join(__dirname, `${name}.c`);
  const hash = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 16);
  const program = path.join(os.tmpdir(), `dlserve-toolchain-${name}-${hash}`);
  if (!existsSync(program)) {
    const temporary = `${program}.${process.pid}`;
    const args = ['-Wall', `-I${path.join(root, 'native/include')}`, '-o', temporary, source, ...(process.platform === 'linux' ? ['-ldl'] : [])];
    execFileSync('cc', args, { stdio: ['ignore', 'ignore', 'inherit'] });
    renameSync(temporary, program);
  }
  return program;
}
