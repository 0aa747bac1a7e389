import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { parseDocument } from '../../src/config/file';
import { allKeys } from '../../src/config/keys';
import { configFromOptions, loadConfig, type Config, type HostOptions } from '../../src/config/load';
import { DlserveError } from '../../src/ground/errors';
import { RUNTIMES } from '../../src/runtimes/registry';

const KEYS = allKeys(RUNTIMES);

const cwd = mkdtempSync(path.join(tmpdir(), 'dlserve-config-'));

/** The configuration, or the words of its refusal; any other failure is thrown. */
function attempt(make: () => Config): Config | string {
  try {
    return make();
  } catch (error) {
    if (error instanceof DlserveError && error.code === 'BAD_CONFIG') return error.message;
    throw error;
  }
}

function expectSound(config: Config): void {
  expect(path.isAbsolute(config.pluginpath)).toBe(true);
  expect(config.http.port).toBeGreaterThanOrEqual(0);
  expect(config.http.port).toBeLessThanOrEqual(65_535);
  expect(config.notes.every(({ message }) => message.length > 0)).toBe(true);
  for (const name of ['hello', '__proto__', 'x']) {
    const settings = config.settings(name);
    expect(['thread', 'inline', 'process']).toContain(settings.mode);
    expect(settings.timeout).toBeGreaterThanOrEqual(1);
    const memory = Number(settings.own['memory'] ?? 0);
    expect(memory === 0 || memory >= 2 ** 24).toBe(true);
    expect(() => JSON.parse(JSON.stringify(settings.config)) as unknown).not.toThrow();
    expect(config.compile(name).cflags.every((flag) => typeof flag === 'string')).toBe(true);
  }
}

const sections = ['http', 'log', 'plugins', 'plugin'];
const names = [
  ...new Set(KEYS.flatMap(({ path: name }) => name.split('.'))),
  'config',
  'hello',
  '__proto__',
  'constructor',
  'pg',
  '',
];
const name = fc.oneof(fc.constantFrom(...names, ...sections), fc.string({ maxLength: 4 }));
const leaf = fc.oneof(
  fc.constantFrom('30s', '1MB', 'thread', 'info', 'x', '', 30, 0, true, false),
  fc.string(),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);

/** A table of any depth, with names that mean something more often than not. */
const { table } = fc.letrec<{ table: object; value: unknown }>((tie) => ({
  table: fc.dictionary(name, tie('value'), { maxKeys: 4, noNullPrototype: false }),
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(leaf, { maxLength: 3 }),
    tie('table'),
    fc.array(tie('table'), { maxLength: 2 }),
  ),
}));
const options = fc.oneof(
  table,
  fc.record({ http: table, plugins: table, plugin: fc.dictionary(name, table, { maxKeys: 2 }) }, { requiredKeys: [] }),
);

test('any table is a configuration or is refused in words', () => {
  fc.assert(
    fc.property(options, (given) => {
      const result = attempt(() => configFromOptions(given, RUNTIMES));
      if (typeof result === 'string') expect(result).toMatch(/^options: /);
      else expectSound(result);
    }),
    { numRuns: 2000 },
  );
});

test('any value whatever is taken or refused in words', () => {
  fc.assert(
    fc.property(
      fc.record({ http: fc.anything(), plugins: fc.anything(), plugin: fc.anything() }, { requiredKeys: [] }),
      (given) => {
        const result = attempt(() => configFromOptions(given as HostOptions, RUNTIMES));
        if (typeof result !== 'string') expectSound(result);
      },
    ),
    { numRuns: 2000 },
  );
});

/** Lines that are TOML now and then. */
const toml = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '[http]',
        '[plugins]',
        '[plugin.hello]',
        '[plugin.hello.config]',
        '[[http]]',
        'port = 1',
        'port = "x"',
        'timeout = "1s"',
        'timeout = 30s',
        'a = [',
        ']',
        'b = """',
        '"""',
        '1 = 07:32:00',
        'pluginpath = ./lib',
        '# c',
        '\r',
        'x = { y = 1 }',
        'z = 99999999999999999999',
      ),
      fc.string({ unit: 'binary', maxLength: 12 }),
    ),
    { maxLength: 10 },
  )
  .map((lines) => lines.join('\n'));

test('any text is a document or is refused with its place', () => {
  fc.assert(
    fc.property(toml, (text) => {
      try {
        parseDocument('prest.toml', text);
      } catch (error) {
        expect((error as DlserveError).code).toBe('BAD_CONFIG');
        expect((error as DlserveError).message).toMatch(/^prest\.toml:\d+:\d+: /);
      }
    }),
    { numRuns: 2000 },
  );
});

test('any file is a configuration or is refused, with a line that is there', async () => {
  const content = fc.oneof(
    toml.map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 60 }),
  );
  await fc.assert(
    fc.asyncProperty(content, async (bytes) => {
      writeFileSync(path.join(cwd, 'prest.toml'), bytes);
      try {
        expectSound(await loadConfig({ flags: {}, env: {}, cwd, runtimes: RUNTIMES }));
      } catch (error) {
        expect((error as DlserveError).code).toBe('BAD_CONFIG');
        const line = Number(/^prest\.toml:(\d+):/.exec((error as DlserveError).message)![1]);
        expect(line).toBeGreaterThanOrEqual(1);
        expect(line).toBeLessThanOrEqual(Buffer.from(bytes).toString('latin1').split('\n').length);
      }
    }),
    { numRuns: 500 },
  );
});

test('any variables and flags are taken, or refused by their name', async () => {
  const variable = fc.constantFrom(...KEYS.map(({ env }) => env), 'PREST_X', 'PREST_');
  const text = fc.oneof(
    fc.constantFrom('1', '30s', '1MB', 'thread', 'true'),
    fc.string({ unit: 'binary', maxLength: 6 }),
  );
  const flag = fc.constantFrom('port', 'host', 'mode', 'workers', 'logLevel', 'pluginpath', 'other');
  await fc.assert(
    fc.asyncProperty(fc.dictionary(variable, text), fc.dictionary(flag, text), async (env, flags) => {
      const folder = path.join(cwd, 'empty');
      try {
        expectSound(await loadConfig({ flags, env, cwd: folder, runtimes: RUNTIMES }));
      } catch (error) {
        expect((error as DlserveError).code).toBe('BAD_CONFIG');
        expect((error as DlserveError).message).toMatch(/^(PREST_[A-Z_]+|--[a-z-]+): [a-z.]+ must be /);
      }
    }),
    { numRuns: 1000 },
  );
});
