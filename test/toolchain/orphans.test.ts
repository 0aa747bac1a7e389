import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build, library, pluginpath, removeFolders, write } from './support';

afterAll(removeFolders);

const SAYS = 'const char *GETSayHandler(void) { return "x"; }\n';

async function warned(folder: string, names?: readonly string[]): Promise<string[]> {
  const { lines } = await build(folder, {}, names);
  return lines.filter(({ level }) => level === 40).map(({ msg }) => msg);
}

test('a library whose source is gone is served, with a warning at every start', async () => {
  const sources = ['kept.c', 'gone.c', 'f.v2/main.c', 'deleted.c', 'replaced.c'];
  const folder = pluginpath(Object.fromEntries(sources.map((name) => [`src/${name}`, SAYS])));
  writeFileSync(library(folder, 'foreign'), 'a library that was made elsewhere');
  expect(await warned(folder)).toEqual([]);

  for (const name of ['gone.c', 'f.v2', 'deleted.c', 'replaced.c']) rmSync(path.join(folder, 'src', name), { recursive: true });
  rmSync(library(folder, 'deleted'));
  writeFileSync(library(folder, 'replaced'), 'a library that was made elsewhere');
  const words = 'was built from a source that is gone, and is still served: delete it if it shall go too';
  const told = ['f.v2', 'gone'].map((name) => `${path.basename(library(folder, name))} ${words}`);
  expect(await warned(folder)).toEqual(told);
  expect(await warned(folder)).toEqual(told);
  expect(await warned(folder, ['kept'])).toEqual([]);

  write(folder, 'src/gone.cc', 'extern "C" const char *GETSayHandler() { return "x"; }\n');
  rmSync(library(folder, 'f.v2'));
  expect(await warned(folder)).toEqual([]);
});

test('where no sources were brought along, nothing is missed', async () => {
  const folder = pluginpath({ 'src/a.c': SAYS });
  await build(folder);
  rmSync(path.join(folder, 'src'), { recursive: true });
  expect(await warned(folder)).toEqual([]);
});
