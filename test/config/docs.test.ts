import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseDocument } from '../../src/config/file';
import { valueAt } from '../../src/config/document';
import { allKeys, FLAGS } from '../../src/config/keys';
import type { Key } from '../../src/ground/key';
import { RUNTIMES } from '../../src/runtimes/registry';

const KEYS = allKeys(RUNTIMES);

const docs = readFileSync(path.join(__dirname, '../../docs/config.md'), 'utf8');
const sample = /```toml\n([\s\S]*?)```/.exec(docs)![1]!;

function row({ path: name, type, default: given, env, commonEnv, flag, doc }: Key): string {
  const cells = [
    `\`${name}\``,
    type.wants,
    given === undefined ? 'unset' : `\`${JSON.stringify(given)}\``,
    [env, commonEnv].flatMap((variable) => (variable === undefined ? [] : [`\`${variable}\``])).join(', '),
    flag ? `\`--${flag.name}\`` : '',
    doc,
  ];
  return `| ${cells.join(' | ')} |`;
}

test('docs/config.md has the rows of the table of keys, in its order, and no other', () => {
  expect(docs.match(/^\| `.*$/gm)).toEqual(KEYS.map(row));
});

test('its sample file has every key with its default', () => {
  const { table } = parseDocument('sample', sample);
  for (const { path: name, default: given } of KEYS) {
    expect([name, valueAt(table, name.split('.'))]).toEqual([name, given]);
    expect(sample).toMatch(new RegExp(`^(# )?${name.slice(name.lastIndexOf('.') + 1)} = `, 'm'));
  }
});

test('each default is a legal value of its key', () => {
  for (const { type, default: given } of KEYS) expect(() => type.fromValue(given)).not.toThrow();
});

test('variables and flags are named after one key each', () => {
  expect(new Set(KEYS.map(({ env }) => env)).size).toBe(KEYS.length);
  expect(new Set(FLAGS.map(({ flag }) => flag)).size).toBe(FLAGS.length);
  expect(FLAGS.map(({ flag }) => flag).sort()).toEqual([
    'config',
    'host',
    'log-level',
    'mode',
    'pluginpath',
    'port',
    'workers',
  ]);
});
