import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { until } from '../support/until';
import { build, library, pluginpath, removeFolders, toolchain, write } from './support';

const main = path.resolve(__dirname, '../../dist/cli/main.js');

afterAll(removeFolders);

const SAYS = 'const char *GETSayHandler(void) { return "x"; }\n';

function pipe(file: string): void {
  execFileSync('mkfifo', [file]);
}

/**
 * A C compiler that tells its process group.
 * @param script what it does; TRACE is where it tells it
 */
function tracedCompiler(folder: string, script = 'TRACE; exec cc "$@"') {
  const cc = path.join(folder, 'traced-cc');
  const trace = path.join(folder, 'groups');
  const told = script.replace('TRACE', () => `ps -o pgid= -p $$ >> '${trace}'`);
  writeFileSync(cc, `#!/bin/sh\ncase "$1" in --version) exec cc --version;; esac\n${told}\n`);
  chmodSync(cc, 0o755);
  return {
    env: { ...process.env, CC: cc },
    groups: () => (existsSync(trace) ? readFileSync(trace, 'utf8').match(/\d+/g) ?? [] : []),
  };
}

/** What is left of process groups, but for what nobody has reaped. */
function members(groups: readonly string[]): string[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pgid=,stat=,args='], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => {
    const [group, state] = line.trim().split(/\s+/);
    return groups.includes(group!) && !state!.startsWith('Z');
  });
}

/** A source that holds its compiler for ever. */
function endless(): string {
  const folder = pluginpath({ 'src/endless.c': `#include "pipe"\n${SAYS}` });
  pipe(path.join(folder, 'src/pipe'));
  return folder;
}

const limits = (time: number, memory = 0) => ({ limits: { time, memory } });

test('a compiler that does not come to an end is ended at its limit, with all that it has started', async () => {
  const folder = endless();
  const { env, groups } = tracedCompiler(folder);
  const { states, ended, lines } = await build(folder, { env, ...limits(2_000) });
  expect(states).toEqual({ endless: 'failed' });
  await until(() => members(groups()).length === 0);
  const { error } = ended.get('endless')!;
  const words = `endless did not compile: ${env.CC} took longer than 2 s and was ended: plugins.buildtimeout raises that limit`;
  expect(error).toMatchObject({ code: 'BUILD_FAILED', message: words });
  expect(lines.filter(({ level, plugin }) => level === 50 && plugin === 'endless')).toEqual([
    expect.objectContaining({ msg: expect.stringContaining(words) as string }),
  ]);
});

test('one that will not end when it is asked to is killed', async () => {
  const folder = pluginpath({ 'src/a.c': SAYS });
  const { env, groups } = tracedCompiler(folder, `trap '' TERM; TRACE; while :; do sleep 0.1; done`);
  const { chain } = toolchain(folder, { env });
  const all = chain.build();
  await until(() => groups().length === 1);
  await chain.stop();
  expect((await all)[0]?.error?.message).toBe('a did not compile: the build was stopped');
  await until(() => members(groups()).length === 0);
});

test('a compiler that wants more memory than it may have fails, and the key that gives it more is named', async () => {
  const folder = pluginpath({ 'src/big.c': '#include "/dev/zero"\n' });
  const { ended } = await build(folder, limits(60_000, 128 * 1024 * 1024));
  expect(ended.get('big')?.error?.message).toBe(
    'big did not compile: cc ran out of memory, of which it may have 128MB: plugins.buildmemory raises that limit',
  );
  expect(ended.get('big')?.output).toContain('out of memory');
});

test('what compiles within its limits is told nothing of them, and neither is what fails', async () => {
  const folder = pluginpath({ 'src/fine.c': SAYS, 'src/bad.c': 'const char *text = "out of memory"\n' });
  const { states, ended } = await build(folder, limits(60_000, 1024 * 1024 * 1024));
  expect(states).toEqual({ fine: 'built', bad: 'failed' });
  expect(ended.get('bad')?.error?.message).toBe("bad did not compile: its compiler's words are in the log");
});

test('nothing of a build is left when its compiler has ended', async () => {
  const folder = pluginpath({ 'src/a.c': SAYS });
  const { env, groups } = tracedCompiler(folder, 'TRACE; sleep 600 > /dev/null 2>&1 & cc "$@"');
  expect((await build(folder, { env })).states).toEqual({ a: 'built' });
  expect(groups().length).toBeGreaterThan(0);
  await until(() => members(groups()).length === 0);
});

test('everything that a build has started ends with its host, however that ends', async () => {
  const folder = endless();
  const { env, groups } = tracedCompiler(folder);
  const host = spawn(process.execPath, [main, 'build', '--pluginpath', folder], { env, cwd: folder, stdio: 'ignore' });
  await until(() => members(groups()).some((line) => line.includes('endless.c')));
  host.kill('SIGKILL');
  await until(() => members(groups()).length === 0);
});

test('the limits are those of the configuration', () => {
  const env = { ...process.env, PREST_PLUGINS_BUILDTIMEOUT: '1s' };
  const { status, stderr } = spawnSync(process.execPath, [main, 'build', '--pluginpath', endless()], { env, encoding: 'utf8' });
  expect([status, stderr]).toEqual([1, expect.stringContaining('took longer than 1 s and was ended: plugins.buildtimeout raises that limit')]);
  const folder = pluginpath({ 'src/big.c': '#include "/dev/zero"\n', 'prest.toml': '[plugins]\nbuildmemory = "128MB"\n' });
  const big = spawnSync(process.execPath, [main, 'build', '--pluginpath', '.'], { cwd: folder, encoding: 'utf8' });
  expect([big.status, big.stderr]).toEqual([1, expect.stringContaining('it may have 128MB: plugins.buildmemory raises that limit')]);
});

test('a source that is no regular file is refused before anything reads it', async () => {
  const folder = pluginpath({ 'src/pack/main.c': SAYS, 'src/deep/main.c': SAYS, 'src/deep/more/x.c': '', 'src/fine.c': SAYS });
  pipe(path.join(folder, 'src/piped.c'));
  pipe(path.join(folder, 'src/pack/extra.h'));
  symlinkSync('/dev/zero', path.join(folder, 'src/zero.go'));
  symlinkSync('/dev/zero', path.join(folder, 'src/deep/more/zero.cc'));
  pipe(path.join(folder, 'src/deep/of-nobody'));
  const { states, ended } = await build(folder);
  expect(states).toEqual({ deep: 'failed', fine: 'built', pack: 'failed', piped: 'failed', zero: 'failed' });
  const reason = (name: string): string => ended.get(name)!.error!.message;
  expect(reason('piped')).toBe("piped did not compile: its source can't be read: piped.c is a named pipe, not a regular file");
  expect(reason('zero')).toBe("zero did not compile: its source can't be read: zero.go is a device, not a regular file");
  expect(reason('pack')).toBe("pack did not compile: its source can't be read: extra.h is a named pipe, not a regular file");
  expect(reason('deep')).toBe("deep did not compile: its source can't be read: zero.cc is a device, not a regular file");
});

test('a file that went into a library and has become a pipe or a device makes it stale, and is not read', async () => {
  const folder = pluginpath({ 'src/say.c': `#if __has_include("../said.h")\n#include "../said.h"\n#endif\n${SAYS}`, 'said.h': '' });
  const header = path.join(folder, 'said.h');
  expect((await build(folder)).states).toEqual({ say: 'built' });
  rmSync(header);
  pipe(header);
  const { states, ended } = await build(folder, limits(2_000));
  expect(states).toEqual({ say: 'failed' });
  expect(ended.get('say')?.error?.message).toContain('plugins.buildtimeout');
  rmSync(header);
  symlinkSync('/dev/zero', header);
  expect((await build(folder, limits(60_000, 128 * 1024 * 1024))).ended.get('say')?.error?.message).toContain('plugins.buildmemory');
  rmSync(header);
  write(folder, 'said.h', '');
  expect((await build(folder)).states).toEqual({ say: 'fresh' });
  rmSync(library(folder, 'say'));
  pipe(library(folder, 'say'));
  expect((await build(folder)).states).toEqual({ say: 'built' });
});
