import { cpSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ERRORS, type ErrorCode } from '../../src/ground/errors';
import { compileFixture } from '../support/compile';
import { openDoors, type Answer, type Doors, type Request } from '../support/doors';
import { scratch } from '../support/server';
import { until } from '../support/until';

/** Of commands and of the start; no request meets them. */
const NOT_OF_REQUESTS: readonly ErrorCode[] = ['BAD_CONFIG', 'BAD_LIBRARY', 'RUNNER_MISSING', 'NAME_TAKEN', 'UNKNOWN_PLUGIN', 'BAD_PLUGIN', 'WRITE_FAILED', 'UNSUPPORTED_PLATFORM'];
/**
 * Held by other tests: those of requests that are none, of sources, of the runtimes, of an embedded host behind a body parser or when it is closed;
 * a fault of dlserve itself, which nothing provokes; and what is the reason of a state and no answer.
 */
const ELSEWHERE: readonly ErrorCode[] = [
  'BAD_REQUEST', 'REQUEST_TIMEOUT', 'HEADERS_TOO_LARGE', 'HTTP_VERSION', 'BUILD_FAILED', 'REPLY_TOO_LARGE', 'BODY_CONSUMED', 'MEMORY_LIMIT', 'OUT_OF_MEMORY', 'UNAVAILABLE',
  'START_BLOCKED', 'SERVER_FULL', 'STOPPING', 'INTERNAL', 'STREAM_BROKEN', 'BAD_CALL', 'DEMOTED', 'TRIAL_FAILED',
];

let doors: Doors;
const met = new Set<string>();
const gate = path.join(scratch(), 'gate');

beforeAll(async () => {
  const fixtures = [
    'echo.c', 'null_reply.c', 'bad_status.c', 'bad_headers.c', 'init_fails.c', 'init_fails_silently.c', 'new_abi.c', 'unresolved.c', 'data_abi.c', 'data_body.c',
    'crash.c', 'gate.c', 'big_reply.c',
  ];
  const toml = `
[http]
bodylimit = "10B"
stoptimeout = "1s"
[plugins]
timeout = "20s"
[plugin.crash]
mode = "process"
faultcalls = 3
rest = "1h"
[plugin.gate]
queue = 1
queuetimeout = "500ms"
[plugin.gate.config]
gate = "${gate}"
`;
  doors = await openDoors(fixtures, toml);
}, 120_000);
afterAll(() => doors.stop());

const symbolsOf = (fixture: string): string[] =>
  Array.from(
    readFileSync(path.resolve(__dirname, '../fixtures/native', fixture), 'utf8').matchAll(/GET(\w+)Handler\(/g),
    ([, func]) => func!,
  );

async function expectError(request: Request | string, code: ErrorCode, words: RegExp): Promise<Answer> {
  const answer = await doors.ask(request);
  const body = answer.json() as { error: string; code: string };
  expect(body).toEqual({ error: expect.stringMatching(words) as string, code });
  expect(answer.status).toBe(ERRORS[code].status);
  met.add(code);
  return answer;
}

/** Writes a damaged copy of a good library into pluginpath. */
function damaged(name: string, damage: (file: string) => void): void {
  const file = path.join(doors.pluginpath, `${name}.so`);
  cpSync(compileFixture('echo.c'), file);
  damage(file);
}

describe('every row of the error table', () => {
  test.each<[ErrorCode, Request | string, RegExp]>([
    ['BAD_NAME', '/_PLUGIN/%2e%2e/Echo', /illegal file "\.\.": letters, digits/],
    ['BAD_TIMEOUT', { path: '/_PLUGIN/echo/Echo', headers: ['X-Dlserve-Timeout: -1s'] }, /"-1s".*250ms/],
    ['ROUTE_NOT_FOUND', '/nothing', /\/_PLUGIN\/\{file\}\/\{func\}/],
    ['LIBRARY_NOT_FOUND', '/_PLUGIN/nope/Echo', /^no library nope\.so in pluginpath$/],
    ['HANDLER_NOT_FOUND', '/_PLUGIN/echo/Nope', /^no handler GETNopeHandler in echo$/],
    ['METHOD_NOT_ALLOWED', { method: 'PUT', path: '/_PLUGIN/echo/Echo' }, /PUT, only GET, HEAD, OPTIONS, POST/],
    ['BODY_TOO_LARGE', { path: '/_PLUGIN/echo/Echo', body: 'eleven byte' }, /10 bytes/],
    ['INIT_FAILED', '/_PLUGIN/init_fails/Any', /^PluginInit of init_fails\.so failed: ./],
    ['INIT_FAILED', '/_PLUGIN/init_fails_silently/Any', /^PluginInit of init_fails_silently\.so failed: ./],
    ['ABI_UNSUPPORTED', '/_PLUGIN/new_abi/Any', /this host knows ABI 2: update dlserve/],
    ['LOAD_FAILED', '/_PLUGIN/unresolved/Any', /undefined symbol: \w+/],
    ['LOAD_FAILED', '/_PLUGIN/data_abi/Ok', /PluginABI, PluginStop must be functions, and are data in it/],
    ['LOAD_FAILED', '/_PLUGIN/data_body/Hello', /GETHelloHandlerBody must be a function, and is data in it/],
  ])('%s for %j', async (code, request, words) => {
    await expectError(request, code, words);
  });

  test.each(symbolsOf('null_reply.c'))('NO_REPLY: %s', async (func) => {
    await expectError(`/_PLUGIN/null_reply/${func}`, 'NO_REPLY', new RegExp(`^GET${func}Handler gave neither`));
  });

  test.each(symbolsOf('bad_status.c'))('BAD_STATUS: %s', async (func) => {
    await expectError(`/_PLUGIN/bad_status/${func}`, 'BAD_STATUS', /status -?\d+, legal are 200 to 599$/);
  });

  test.each(symbolsOf('bad_headers.c'))('BAD_HEADERS: %s', async (func) => {
    await expectError(`/_PLUGIN/bad_headers/${func}`, 'BAD_HEADERS', /malformed reply header: ./);
  });

  test.each<[string, (file: string) => void, RegExp]>([
    ['a text file', (file) => writeFileSync(file, 'hello\n'), /text/],
    ['an empty file', (file) => truncateSync(file, 0), /empty/],
    ['a library cut short', (file) => truncateSync(file, 3000), /./],
    ['a library of another machine', (file) => patchMachine(file), /aarch64.*x86-64|x86-64.*aarch64/],
  ])('LOAD_FAILED: %s', async (name, damage, words) => {
    const file = name.replaceAll(' ', '_');
    damaged(file, damage);
    await expectError(`/_PLUGIN/${file}/Echo`, 'LOAD_FAILED', words);
  });

  test('PLUGIN_CRASHED, then PLUGIN_RESTING', async () => {
    const [func] = symbolsOf('crash.c');
    await expectError(`/_PLUGIN/crash/${func}`, 'PLUGIN_CRASHED', new RegExp(`crash crashed in GET${func}Handler: .*SIGSEGV`));
    const resting = await until(async () => {
      const answer = await doors.ask(`/_PLUGIN/crash/${func}`);
      return answer.status === 503 ? answer : undefined;
    });
    expect(resting.json()).toMatchObject({ code: 'PLUGIN_RESTING' });
    expect(Number(resting.headers.get('retry-after'))).toBeGreaterThan(3000);
    met.add('PLUGIN_RESTING');
    expect((await doors.ask('/_PLUGIN/echo/Echo')).status).toBe(200);
  });

  test('TIMEOUT, OVERLOADED and QUEUE_TIMEOUT', async () => {
    const request = { path: '/_PLUGIN/gate/Wait', headers: ['X-Dlserve-Timeout: 300ms'] };
    const late = expectError(request, 'TIMEOUT', /^GETWaitHandler in gate took longer than 300 ms$/);
    const waiting = expectError(request, 'TIMEOUT', /300 ms/);
    const refused = expectError(request, 'OVERLOADED', /gate has 1 calls waiting already/);
    await Promise.all([late, waiting, refused]);
    // The first is still inside.
    await expectError('/_PLUGIN/gate/Wait', 'QUEUE_TIMEOUT', /^GETWaitHandler in gate waited for its turn longer than 500 ms, and was not called$/);
  });

  test('and a reply of 64 MB is none', async () => {
    const [func] = symbolsOf('big_reply.c');
    const answer = await doors.ask(`/_PLUGIN/big_reply/${func}`);
    expect([answer.status, answer.body.length]).toEqual([200, 64 * 1024 * 1024]);
  });

  test('no row was left out', () => {
    const expected = Object.keys(ERRORS).filter((code) => ![...NOT_OF_REQUESTS, ...ELSEWHERE].includes(code as ErrorCode));
    expect([...met].sort()).toEqual(expected.sort());
  });
});

/** e_machine, at byte 18 of an ELF header: 62 is x86-64, 183 is AArch64. */
function patchMachine(file: string): void {
  const bytes = readFileSync(file);
  bytes.writeUInt16LE(bytes.readUInt16LE(18) === 183 ? 62 : 183, 18);
  writeFileSync(file, bytes);
}
