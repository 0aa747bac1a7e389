import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(__dirname, '../..');

it.each(['runner', 'addon', 'invoke'])('binding.gyp names all sources of native/%s', (directory) => {
  const binding = readFileSync(path.join(root, 'binding.gyp'), 'utf8');
  const named = new Set(binding.match(new RegExp(`native/${directory}/\\w+\\.c`, 'g')));
  const present = readdirSync(path.join(root, 'native', directory)).filter((name) => name.endsWith('.c'));
  expect([...named].sort()).toEqual(present.map((name) => `native/${directory}/${name}`).sort());
});
