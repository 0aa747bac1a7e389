import { setImmediate } from 'node:timers/promises';
import { messageOf } from '../../src/ground/errors';
import { run, ToolFailure, type RunOptions } from '../../src/toolchain/run';

const options = (more: Partial<RunOptions> = {}): RunOptions => ({
  cwd: '/',
  env: process.env,
  signal: new AbortController().signal,
  limits: { time: 0, memory: 0 },
  ...more,
});

const sh = (script: string, more: Partial<RunOptions> = {}) => run(['sh', '-c'], [script, 'sh', 'an argument', "it's"], options(more));

/** How a tool that fails is told. */
async function failure(script: string): Promise<ToolFailure> {
  const thrown: unknown = await sh(script).catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(ToolFailure);
  return thrown as ToolFailure;
}

test('a tool gets its words, its input and its environment, and what it says comes back', async () => {
  const env = { ...process.env, MORE: 'a b' };
  const said = await sh('echo "$1,$2,$MORE"; cat; echo aside >&2', { input: 'read', env });
  expect(said.stdout).toBe("an argument,it's,a b\nread");
  expect(said.output).toContain('aside\n');
  expect(said.output).toHaveLength("an argument,it's,a b\nread".length + 'aside\n'.length);
});

test('its words are whole, however many there are, and its input need not be read', async () => {
  const count = 'i=0; while [ $i -lt 20000 ]; do echo "a line of words $i"; i=$((i + 1)); done';
  const { stdout } = await sh(count, { input: 'x'.repeat(1_000_000) });
  expect(stdout.trimEnd().split('\n')).toHaveLength(20_000);
  expect(stdout.endsWith('a line of words 19999\n')).toBe(true);
});

test.each([
  ['exit 3', 'sh ended with exit status 3'],
  ['exit 255', 'sh ended with exit status 255'],
  ['kill -SEGV $$', 'sh ended with SIGSEGV'],
  ['kill -KILL $$', 'sh ended with SIGKILL'],
  ['kill -KILL $PPID; sleep 600', 'sh ended with SIGKILL'],
])('%s', async (script, message) => {
  expect(await failure(script)).toMatchObject({ message, output: '' });
});

test('a tool that cannot be started says so', async () => {
  const absent = { name: 'ToolFailure', message: '/no/such/cc ended with exit status 127', output: expect.stringContaining('not found') as string };
  await expect(run(['/no/such/cc'], [], options())).rejects.toMatchObject(absent);
  await expect(run(['cc'], [], options({ cwd: '/no/such/folder' }))).rejects.toThrow(/^cc could not be started: /);
});

test('a tool that is stopped as soon as it was started ends as well', async () => {
  const stopped = Array.from({ length: 20 }, async (_, i) => {
    const stopping = new AbortController();
    const ended = sh('sleep 600', { signal: stopping.signal });
    for (let turn = 0; turn < i; turn++) await setImmediate();
    stopping.abort();
    return ended.catch((error: unknown) => messageOf(error));
  });
  expect(new Set(await Promise.all(stopped))).toEqual(new Set(['the build was stopped']));
});

test('what a tool leaves in the background may go on talking', async () => {
  const { stdout } = await sh('(sleep 0.3; echo later) & echo now');
  expect(stdout).toBe('now\nlater\n');
});

test('the limit of memory is set for everything that a tool starts', async () => {
  const limits = { time: 0, memory: 256 * 1024 * 1024 };
  expect((await sh("sh -c 'ulimit -d'", { limits })).stdout.trim()).toBe('262144');
});
