import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
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
  await until(() => server.stdout().includes('curl'));
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
