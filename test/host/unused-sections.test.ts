import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createPluginHost, type HostOptions } from '../../src';
import { compileFixture } from '../support/compile';
import { recordedLog } from '../support/log';
import { scratch, startServer } from '../support/server';
import { until } from '../support/until';

/** A working directory with one library, `typo`, and one source that does not compile, `broken`. */
function folder(): string {
  const cwd = scratch();
  mkdirSync(path.join(cwd, 'lib/src'), { recursive: true });
  cpSync(compileFixture('echo.c'), path.join(cwd, 'lib/typo.so'));
  writeFileSync(path.join(cwd, 'lib/src/broken.c'), 'char *GETBadHandler(void) { return forgotten; }\n');
  return cwd;
}

test.each([[[]], [['--workers', '2']]])('a section of no plugin is warned of, with its place and the one that was meant %j', async (more) => {
  const cwd = folder();
  writeFileSync(path.join(cwd, 'prest.toml'), '[plugin.typo]\nqueue = 1\n[plugin.broken]\nqueue = 1\n\n[plugin.tyop]\nqueue = 1\n[plugin."far.off".config]\na = 1\n');
  const server = await startServer(more, { cwd });
  await until(() => server.log().some(({ msg }) => String(msg).includes('far.off')));
  await server.stop();
  expect(server.log().flatMap(({ level, msg }) => (level === 40 ? [msg] : []))).toEqual([
    'prest.toml:6: [plugin.tyop]: there is no plugin of that name in ./lib: did you mean typo?',
    'prest.toml:8: [plugin."far.off"]: there is no plugin of that name in ./lib',
  ]);
});

test('an embedded host warns, too, with builds and without', async () => {
  const pluginpath = path.join(folder(), 'lib');
  const said = async (options: HostOptions): Promise<unknown[]> => {
    const { log, lines } = recordedLog();
    const host = await createPluginHost({ pluginpath, plugin: { typo: {}, broken: {}, tyop: {} }, ...options }, log);
    await host.ready();
    await until(() => lines.some(({ msg }) => String(msg).includes('tyop')));
    await host.close();
    return lines.filter(({ level }) => level === 40).map(({ msg }) => msg);
  };
  const tyop = `options: [plugin.tyop]: there is no plugin of that name in ${pluginpath}: did you mean typo?`;
  const broken = `options: [plugin.broken]: there is no plugin of that name in ${pluginpath}`;
  expect(await said({})).toEqual([tyop]);
  expect(await said({ plugins: { build: false } })).toEqual([broken, tyop]);
});

test('a host that is closed warns no more, and one whose folder can not be listed knows nothing to warn of', async () => {
  const pluginpath = path.join(folder(), 'lib');
  const loop = path.join(scratch(), 'lib');
  symlinkSync(loop, loop);
  const { log, lines } = recordedLog();
  const plugin = { tyop: {} };
  await (await createPluginHost({ pluginpath, plugin }, log)).close();
  const unlistable = await createPluginHost({ pluginpath: loop, plugin, plugins: { build: false } }, log);
  // What they would say comes before what this one says.
  const last = await createPluginHost({ pluginpath, plugin: { last: {} } }, log);
  await until(() => lines.some(({ msg }) => String(msg).includes('[plugin.last]')));
  await Promise.all([unlistable.close(), last.close()]);
  expect(lines.filter(({ msg }) => String(msg).includes('tyop'))).toEqual([]);
});

/** Node.js remembers the working directory until it is changed. */
const DELETE_WORKING_DIRECTORY = "const cwd = process.cwd() + '/sub'; fs.mkdirSync(cwd); process.chdir(cwd); fs.rmdirSync(cwd);";

test.each([
  ['whose working directory is deleted', 'undefined', /broken did not compile.*forgotten.* undeclared[^]*\[plugin\.tyop\]: there is no plugin of that name in \/\S+\/lib: did you mean typo\?/],
  ['whose log throws', '{ debug() {}, info() {}, error() {}, warn() { throw new Error(console.error("thrown")); } }', /^thrown$/m],
])('a program %s goes on', (_, log, said) => {
  const pluginpath = path.join(folder(), 'lib');
  const program = `
    const { createPluginHost } = require(${JSON.stringify(path.resolve(__dirname, '../../dist'))});
    ${DELETE_WORKING_DIRECTORY}
    createPluginHost({ pluginpath: ${JSON.stringify(pluginpath)}, plugin: { tyop: {} } }, ${log}).then(async (host) => {
      await host.ready();
      setTimeout(() => host.close().then(() => console.log('closed')), 200);
    });`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', program], { cwd: scratch(), encoding: 'utf8' });
  expect([status, stdout, stderr]).toEqual([0, 'closed\n', expect.stringMatching(said)]);
});

test('a relative pluginpath in a working directory that is deleted is refused in a sentence', () => {
  const program = `
    const { createPluginHost } = require(${JSON.stringify(path.resolve(__dirname, '../../dist'))});
    ${DELETE_WORKING_DIRECTORY}
    createPluginHost().catch(({ code, message }) => console.log(code, message));`;
  const { stdout } = spawnSync(process.execPath, ['-e', program], { cwd: scratch(), encoding: 'utf8' });
  expect(stdout).toBe('BAD_CONFIG the working directory has been deleted: change to one that is there\n');
});
