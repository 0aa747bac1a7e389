import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(__dirname, '../..');

it('binding.gyp builds the runner of all its sources', () => {
  const binding = readFileSync(path.join(root, 'binding.gyp'), 'utf8');
  const named = new Set(binding.match(/native\/runner\/\w+\.c/g));
  const present = readdirSync(path.join(root, 'native/runner')).filter((name) => name.endsWith('.c'));
  expect([...named].sort()).toEqual(present.map((name) => `native/runner/${name}`).sort());
});
