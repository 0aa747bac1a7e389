import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { configFromOptions, loadConfig, type Config, type HostOptions } from '../../src/config/load';
import { DlserveError } from '../../src/ground/errors';
import { createPluginHost } from '../../src/api/create-plugin-host';
import { RUNTIMES } from '../../src/runtimes/registry';

let cwd: string;

beforeEach(() => {
  cwd = mkdtempSync(path.join(tmpdir(), 'dlserve-config-'));
});

interface Given {
  flags?: Record<string, string>;
  env?: Record<string, string>;
}

/** Loads prest.toml with this text, or none. */
function load(toml?: string | Buffer, { flags = {}, env = {} }: Given = {}): Promise<Config> {
  if (toml !== undefined) writeFileSync(path.join(cwd, 'prest.toml'), toml);
  return loadConfig({ flags, env, cwd, runtimes: RUNTIMES });
}

async function refusal(toml?: string | Buffer, given?: Given): Promise<string> {
  const error: unknown = await load(toml, given).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DlserveError);
  expect((error as DlserveError).code).toBe('BAD_CONFIG');
  return (error as DlserveError).message;
}

const DEFAULTS = {
  http: { host: '127.0.0.1', port: 3000, bodylimit: 1_048_576, bodybudget: 268_435_456, writetimeout: 30_000, workers: 1, fastlane: true, stoptimeout: 10_000 },
  log: { level: 'info' },
  reload: 'signal',
  build: true,
  buildLimits: { time: 600_000, memory: 4 * 1024 ** 3 },
  notes: [],
};

const SETTINGS = {
  mode: 'thread',
  timeout: 30_000,
  queueTimeout: 30_000,
  queue: 1024,
  concurrency: undefined,
  trial: undefined,
  demote: true,
  start: 'request',
  after: [],
  required: false,
  faultreports: 10,
  config: {},
  routes: [],
  own: { ownsymbols: true },
};

describe('where values come from', () => {
  test('without a file there are the defaults', async () => {
    const config = await load();
    expect(config).toMatchObject({ ...DEFAULTS, pluginpath: path.join(cwd, 'lib'), file: undefined });
    expect(config.settings('hello')).toEqual(SETTINGS);
    expect(config.compile('hello')).toEqual({ cflags: [], ldflags: [] });
  });

  test.each([
    ['an empty file', ''],
    ['a byte order mark', '\ufeff'],
    ['a comment', '# nothing\r\n'],
  ])('%s is fine', async (_, toml) => {
    expect(await load(toml)).toMatchObject({ ...DEFAULTS, file: path.join(cwd, 'prest.toml') });
  });

  test('a flag beats a variable beats the file beats the default', async () => {
    const toml = '[http]\nport = 1\nhost = "file"\nworkers = 2\n';
    const env = { PREST_HTTP_PORT: '3', PREST_HTTP_HOST: 'variable' };
    const { http } = await load(toml, { env, flags: { port: '4' } });
    expect(http).toMatchObject({ port: 4, host: 'variable', workers: 2, fastlane: true });
  });

  test('PORT counts where neither the flag nor the variable of its own is given, and beats the file', async () => {
    const portOf = async (env: Record<string, string>, flags = {}): Promise<number> => (await load('[http]\nport = 1', { env, flags })).http.port;
    expect(await portOf({ PORT: '2' })).toBe(2);
    expect(await portOf({ PORT: '' })).toBe(1);
    expect(await portOf({ PORT: '2', PREST_HTTP_PORT: '3' })).toBe(3);
    expect(await portOf({ PORT: '2' }, { port: '4' })).toBe(4);
    expect(await refusal('', { env: { PORT: 'tcp://10.0.0.1:80' } })).toBe('PORT: http.port must be a whole number from 0 to 65535, not "tcp://10.0.0.1:80"');
    expect(await portOf({ PORT: 'tcp://10.0.0.1:80' }, { port: '4' })).toBe(4);
  });

  test('every key has its variable', async () => {
    const env = {
      PREST_PLUGINPATH: '/p',
      PREST_HTTP_HOST: '::1',
      PREST_HTTP_PORT: '0',
      PREST_HTTP_BODYLIMIT: '2kb',
      PREST_HTTP_BODYBUDGET: '1mb',
      PREST_HTTP_WRITETIMEOUT: '0s',
      PREST_HTTP_WORKERS: '64',
      PREST_HTTP_FASTLANE: 'False',
      PREST_HTTP_STOPTIMEOUT: '0s',
      PREST_LOG_LEVEL: 'WARN',
      PREST_PLUGINS_BUILD: '0',
      PREST_PLUGINS_BUILDTIMEOUT: '90s',
      PREST_PLUGINS_BUILDMEMORY: '512MB',
      PREST_PLUGINS_MODE: 'inline',
      PREST_PLUGINS_TIMEOUT: '1.5s',
      PREST_PLUGINS_QUEUETIMEOUT: '2h',
      PREST_PLUGINS_QUEUE: '0',
      PREST_PLUGINS_CONCURRENCY: '7',
      PREST_PLUGINS_TRIAL: 'Health',
      PREST_PLUGINS_DEMOTE: 'false',
      PREST_PLUGINS_START: 'request',
      PREST_PLUGINS_AFTER: 'db log',
      PREST_PLUGINS_REQUIRED: 'true',
      PREST_PLUGINS_OWNSYMBOLS: 'false',
      PREST_PLUGINS_FAULTREPORTS: '0',
      PREST_PLUGINS_WORKERS: '2-8',
      PREST_PLUGINS_SCALEAFTER: '1s',
      PREST_PLUGINS_SCALEIDLE: '2s',
      PREST_PLUGINS_RETRY: 'true',
      PREST_PLUGINS_MEMORY: '1 GB',
      PREST_PLUGINS_CRASHES: '1',
      PREST_PLUGINS_CRASHWINDOW: '1h',
      PREST_PLUGINS_FAULTSHARE: '.25',
      PREST_PLUGINS_FAULTCALLS: '3',
      PREST_PLUGINS_REST: '5m',
      PREST_PLUGINS_CFLAGS: ' -O2  -g ',
      PREST_PLUGINS_LDFLAGS: '-lm',
      PREST_PLUGINS_RELOAD: 'watch',
    };
    const config = await load(undefined, { env });
    expect(config).toMatchObject({
      pluginpath: '/p',
      http: { host: '::1', port: 0, bodylimit: 2048, bodybudget: 1_048_576, writetimeout: 0, workers: 64, fastlane: false, stoptimeout: 0 },
      log: { level: 'warn' },
      reload: 'watch',
      build: false,
      buildLimits: { time: 90_000, memory: 2 ** 29 },
    });
    expect(config.settings('x')).toEqual({
      mode: 'inline',
      timeout: 1500,
      queueTimeout: 7_200_000,
      queue: 0,
      concurrency: 7,
      trial: 'Health',
      demote: false,
      start: 'server',
      after: ['db', 'log'],
      required: true,
      faultreports: 0,
      config: {},
      routes: [],
      own: { ownsymbols: false },
    });
    const processes = await load('[plugin.x]\nmode = "process"', { env });
    expect(processes.settings('x').own).toEqual({
      workers: { least: 2, most: 8 },
      scaleafter: 1000,
      scaleidle: 2000,
      retry: true,
      memory: 2 ** 30,
      crashes: 1,
      crashwindow: 3_600_000,
      faultshare: 0.25,
      faultcalls: 3,
      rest: 300_000,
    });
    expect(config.compile('x')).toEqual({ cflags: ['-O2', '-g'], ldflags: ['-lm'] });
  });

  test('flags are taken by the names that commander gives them; others are no business of the configuration', async () => {
    const flags = {
      pluginpath: 'p',
      host: 'h',
      port: '1',
      mode: 'process',
      workers: '3',
      logLevel: 'error',
      lang: 'c',
    };
    const config = await load(undefined, { flags });
    expect(config).toMatchObject({
      pluginpath: path.join(cwd, 'p'),
      http: { host: 'h', port: 1, workers: 3 },
      log: { level: 'error' },
    });
    expect(config.settings('x').mode).toBe('process');
  });

  test('an empty variable counts as none', async () => {
    const config = await load('[http]\nport = 5', { env: { PREST_HTTP_PORT: '', PREST_CONF: '' } });
    expect(config.http.port).toBe(5);
  });

  test('--config and PREST_CONF name the file, the flag first; paths in it count from the working directory', async () => {
    mkdirSync(path.join(cwd, 'sub'));
    writeFileSync(path.join(cwd, 'sub/a.toml'), 'pluginpath = "a"');
    writeFileSync(path.join(cwd, 'sub/b.toml'), 'pluginpath = "b"');
    const env = { PREST_CONF: path.join(cwd, 'sub/b.toml') };
    expect(await load('pluginpath = "c"', { env })).toMatchObject({
      pluginpath: path.join(cwd, 'b'),
      file: env.PREST_CONF,
    });
    expect(await load(undefined, { env, flags: { config: 'sub/a.toml' } })).toMatchObject({
      pluginpath: path.join(cwd, 'a'),
      file: path.join(cwd, 'sub/a.toml'),
    });
  });

  test('a named file must be there, and be a file', async () => {
    expect(await refusal(undefined, { flags: { config: 'no.toml' } })).toBe(
      "no.toml (named by --config) can't be read: there is no such file",
    );
    expect(await refusal(undefined, { env: { PREST_CONF: 'no.toml' } })).toContain('named by PREST_CONF');
    expect(await refusal(undefined, { flags: { config: '.' } })).toContain('it is a folder');
    mkdirSync(path.join(cwd, 'prest.toml'));
    expect(await refusal()).toBe("prest.toml can't be read: it is a folder, not a file");
  });
});

describe('one plugin', () => {
  test('has what [plugins] says, overlaid by its own table', async () => {
    const config = await load(`
      [plugins]
      timeout = "5s"
      queue = 7
      cflags = ["-O1"]
      [plugin.hello]
      queue = 8
      concurrency = 0
      cflags = ["-O3", "-g"]
      [plugin."my.lib"]
      mode = "inline"`);
    expect(config.settings('hello')).toEqual({ ...SETTINGS, timeout: 5000, queueTimeout: 5000, queue: 8, concurrency: 0 });
    expect(config.settings('my.lib')).toEqual({ ...SETTINGS, timeout: 5000, queueTimeout: 5000, queue: 7, mode: 'inline' });
    expect(config.settings('other')).toEqual({ ...SETTINGS, timeout: 5000, queueTimeout: 5000, queue: 7 });
    expect(config.compile('hello').cflags).toEqual(['-O3', '-g']);
    expect(config.compile('my.lib').cflags).toEqual(['-O1']);
    expect(config.notes).toEqual([]);
  });

  test('comes after others, but never after itself where all come after it', async () => {
    const config = await load('[plugins]\nafter = ["db"]\n[plugin.db]\nqueue = 1\n[plugin.vault]\nafter = []\n[plugin.web]\nafter = ["log"]');
    const after = ['db', 'vault', 'web', 'other'].map((name) => config.settings(name).after);
    expect(after).toEqual([[], [], ['log'], ['db']]);
    // Nor in a process of its own.
    expect(config.isolated('db')).toEqual({ ...config.settings('db'), mode: 'process', own: expect.objectContaining({ crashes: 5 }) as object });
    const all = await load('', { env: { PREST_PLUGINS_AFTER: 'db log' } });
    expect(['db', 'log', 'other'].map((name) => all.settings(name).after)).toEqual([[], [], ['db', 'log']]);
  });

  test.each([
    ['[plugin.a]\nafter = ["b"]\n[plugin.b]\nafter = ["c"]\n[plugin.c]\nafter = ["a"]', 'prest.toml:2: a comes after b, which comes after c, which comes after a'],
    ['[plugin.a]\nafter = ["a"]', 'prest.toml:2: a comes after a'],
    ['[plugins]\nafter = ["db"]\n[plugin.db]\nafter = ["vault"]', 'prest.toml:4: db comes after vault, which comes after db'],
  ])('never comes after itself by way of others: %j', async (toml, words) => {
    await expect(load(toml)).rejects.toMatchObject({ code: 'BAD_CONFIG', message: `${words}: no plugin can be opened before itself` });
  });

  test('starts with the server where it is required', async () => {
    const config = await load('[plugin.a]\nrequired = true\n[plugin.b]\nstart = "server"');
    const settings = ['a', 'b', 'c'].map((name) => config.settings(name)).map(({ start, required }) => [start, required]);
    expect(settings).toEqual([['server', true], ['server', false], ['request', false]]);
  });

  test('beats what a flag says of all', async () => {
    const config = await load('[plugin.hello]\nmode = "inline"', { flags: { mode: 'process' } });
    expect([config.settings('hello').mode, config.settings('other').mode]).toEqual(['inline', 'process']);
  });

  test.each(['constructor', '__proto__', 'toString'])('may be called %s', async (name) => {
    expect((await load()).settings(name)).toEqual(SETTINGS);
    expect((await load(`[plugin.${name}]\nqueue = 3`)).settings(name).queue).toBe(3);
  });

  test('gets its config as JSON: in order, dates as text, no integer rounded', async () => {
    const config = await load(`
      [plugin.hello.config]
      z = "hi"
      10 = 1.5
      moment = 1979-05-27T07:32:00Z
      local = 1979-05-27T07:32:00.25
      day = 1979-05-27
      time = 07:32:00
      huge = 9223372036854775807
      "__proto__" = { a = [true, { b = -0 }] }`);
    expect(JSON.stringify(config.settings('hello').config)).toBe(
      '{"10":1.5,"z":"hi","moment":"1979-05-27T07:32:00.000Z","local":"1979-05-27T07:32:00.250","day":"1979-05-27",' +
        '"time":"07:32:00.000","huge":"9223372036854775807","__proto__":{"a":[true,{"b":0}]}}',
    );
  });

  test('may have routes of its own', async () => {
    const config = await load(`
      [[plugin.hello.route]]
      method = "GET"
      path = "/hello/{name}"
      handler = "GETHelloHandler"
      [[plugin.hello.route]]
      method = "PUT"
      path = "/hello/{name}/{rest...}"
      handler = "put"`);
    const routes = [
      { method: 'GET', path: '/hello/{name}', handler: 'GETHelloHandler' },
      { method: 'PUT', path: '/hello/{name}/{rest...}', handler: 'put' },
    ];
    expect(config.settings('hello').routes).toEqual(routes);
    expect(config.routes).toEqual(new Map([['hello', routes]]));
    expect(config.notes).toEqual([]);
  });

  test.each([
    ['[plugin.x]\nroute = 1', 'prest.toml:2: plugin.x.route must be a list of tables, not'],
    ['[plugin.x.route]\nmethod = "GET"', 'must be a list of tables, not a table: write [[plugin.x.route]]'],
    ['[[plugin.x.route]]\nmethod = "GET"\npath = "/a"', 'prest.toml:1: route 1 of plugin x has no text as its handler'],
    ['[[plugin.x.route]]\nmethod = "GET"\npath = "a"\nhandler = "a"', 'has the path "a", which must begin with "/"'],
    ['[[plugin.x.route]]\nmethod = "get"\npath = "/a"\nhandler = "a"', 'has the method "get": there are CHECKOUT'],
    ['[[plugin.x.route]]\nmethod = "GET"\npath = "/_PLUGIN/a"\nhandler = "a"', 'which begins with "/_", which is kept for dlserve itself'],
    ['[[plugin.x.route]]\nmethod = "GET"\npath = "/a"\nhandler = "a b"', 'has the handler "a b", which is no name of a C function'],
    ['[[plugin.x.route]]\nmethods = "GET"\npath = "/a"\nhandler = "a"', 'has a key methods: there are method, path, handler'],
    [
      '[[plugin.x.route]]\nmethod = "GET"\npath = "/a/{b}"\nhandler = "a"\n[[plugin.y.route]]\nmethod = "GET"\npath = "/a/{c}"\nhandler = "a"',
      'two routes answer the same requests: GET /a/{b} of x, and GET /a/{c} of y',
    ],
  ])('%j is no route', async (toml, words) => {
    expect(await refusal(toml)).toContain(words);
  });

  test.each([
    ['a = inf', 'a is inf'],
    ['a = { b = [1, nan] }', 'a.b.1 is nan'],
    [`a${'.a'.repeat(100)} = 1`, 'nested at most'],
    [`a = ${'['.repeat(200)}${']'.repeat(200)}`, 'nested at most'],
  ])('%s has no JSON', async (toml, words) => {
    const message = await refusal(`[plugin.hello.config]\n${toml}`);
    expect(message).toContain('plugin.hello.config must be');
    expect(message).toContain(words);
  });

  test.each(['../up', '.hidden', 'a/b', '', 'é'])('may not be called %j', async (name) => {
    const message = await refusal(`\n[plugin.${JSON.stringify(name)}]\nqueue = 1`);
    expect(message).toMatch(/^prest\.toml:2: plugin\..* must be named like a library: /);
  });
});

describe('wrong values', () => {
  test.each([
    ['http.port', '65536', 'a whole number from 0 to 65535, not 65536'],
    ['http.port', '-1', 'not -1'],
    ['http.port', '80.5', 'not 80.5'],
    ['http.port', '"3000"', 'not "3000": write 3000 without quotes'],
    ['http.port', '99999999999999999999', 'not 99999999999999999999'],
    ['http.host', '""', 'an address or a host name, not ""'],
    ['http.host', '1', 'not 1'],
    ['http.bodylimit', '1024', 'such as "64KB" or "512MB", not 1024: write "1024B" for bytes'],
    ['http.bodylimit', '"1 mega"', 'not "1 mega"'],
    ['http.bodylimit', '"1GB"', 'from "0B" to "256MB"'],
    ['http.bodylimit', '""', 'not ""'],
    ['http.fastlane', '1', 'true or false, not 1'],
    ['http.workers', '0', 'from 1 to 64, not 0'],
    ['http.stoptimeout', '10', 'write "10s" for seconds'],
    ['log.level', '"loud"', 'one of "trace", "debug", "info", "warn", "error", "fatal", "silent", not "loud"'],
    ['plugins.mode', '"threads"', 'one of "thread", "inline", "process", not "threads"'],
    ['plugins.timeout', '30', 'not 30: write "30s" for seconds'],
    ['plugins.timeout', '"30"', 'such as "250ms", "30s" or "5m", not "30"'],
    ['plugins.timeout', '"0s"', 'from "1ms" to "1h"'],
    ['plugins.timeout', '"61m"', 'from "1ms" to "1h"'],
    ['plugins.timeout', '"-1s"', 'not "-1s"'],
    ['plugins.timeout', '"1s 1s"', 'not "1s 1s"'],
    ['plugins.timeout', '07:32:00', 'not a date or time'],
    ['plugins.timeout', '[]', 'not a list'],
    ['plugins.timeout', '{}', 'not a table'],
    ['plugins.queue', '1000001', 'from 0 to 1000000'],
    ['plugins.concurrency', '1025', 'from 0 to 1024'],
    ['plugins.workers', 'true', 'not true'],
    ['plugins.memory', '"1MB"', 'from "16MB" to "1024TB"'],
    ['plugins.workers', '"4-2"', 'not "4-2"'],
    ['plugins.workers', '"3"', 'write 3 without quotes'],
    ['plugins.faultshare', '1.5', 'a number above 0, up to 1, not 1.5'],
    ['plugins.crashes', '0', 'from 1'],
    ['plugins.cflags', '"-O2"', 'a list of texts, such as ["-O2", "-lm"], not "-O2"'],
    ['plugins.cflags', '["-O2", 3]', 'not a list with 3'],
    ['plugins.after', '"db"', 'not "db": write ["db"]'],
    ['plugins.after', '["../db"]', 'a list of names of plugins, such as ["db"], not a list with "../db"'],
    ['plugins.start', '"never"', 'one of "request", "server", not "never"'],
    ['plugins.build', '"yes"', 'true or false, not "yes"'],
    ['plugins.buildtimeout', '600', 'not 600: write "600s" for seconds'],
    ['plugins.buildmemory', '"1MB"', 'from "64MB" to "1024TB"'],
    ['pluginpath', '"a\\u0000b"', 'a folder, not "a\\u0000b"'],
  ])('%s = %s', async (key, value, words) => {
    const message = await refusal(`# first\n\n${key} = ${value}\n`);
    expect(message).toMatch(new RegExp(`^prest\\.toml:3: ${key.replace('.', '\\.')} must be `));
    expect(message).toContain(words);
  });

  test('of one plugin are checked as those of all', async () => {
    expect(await refusal('[plugin.hello]\nmode = "process"\nworkers = 65')).toBe(
      'prest.toml:3: plugin.hello.workers must be a whole number from 1 to 64, or two such as "1-4", not 65',
    );
  });

  test('name the flag or the variable that they came from', async () => {
    expect(await refusal('', { flags: { port: 'x' } })).toBe(
      '--port: http.port must be a whole number from 0 to 65535, not "x"',
    );
    expect(await refusal('', { flags: { host: '' } })).toContain('--host: http.host must be');
    expect(await refusal('', { flags: { logLevel: 'x' } })).toContain('--log-level: log.level must be');
    expect(await refusal('', { env: { PREST_PLUGINS_TIMEOUT: '30' } })).toContain(
      'PREST_PLUGINS_TIMEOUT: plugins.timeout must be',
    );
    expect(await refusal('', { env: { PREST_HTTP_FASTLANE: 'yes' } })).toContain('true or false, not "yes"');
    expect(await refusal('', { env: { PREST_HTTP_PORT: '0x10' } })).toContain('not "0x10"');
  });

  test('are errors even where something stronger overrides them', async () => {
    expect(await refusal('[http]\nport = "x"', { flags: { port: '1' } })).toContain('prest.toml:2: http.port');
  });

  test.each([
    ['http = 3', 'prest.toml:1: http must be a table, not 3: write [http], and its keys below'],
    ['[[plugins]]\nqueue = 1', 'plugins must be a table, not a list'],
    ['plugin = "hello"', 'plugin must be a table, not "hello"'],
    ['[plugin]\nhello = 1979-05-27', 'prest.toml:2: plugin.hello must be a table, not a date or time'],
    ['[plugin.hello]\nconfig = "a"', 'prest.toml:2: plugin.hello.config must be a table, not "a"'],
  ])('a section that is none: %j', async (toml, words) => {
    expect(await refusal(toml)).toContain(words);
  });

  test('are found on the line where their statement begins', async () => {
    const toml =
      '[log]\r\nlevel = "info"\r\n\r\n[plugins]\r\n# a list:\r\ncflags = [\r\n  "-O2", # one\r\n\r\n  3,\r\n]\r\nqueue = 1\r\n';
    expect(await refusal(toml)).toMatch(/^prest\.toml:6: plugins\.cflags/);
    expect(await refusal('a = """\n[http]\nport = 0\n"""\n[http]\nport = -1')).toMatch(/^prest\.toml:6: http\.port/);
    expect(
      await refusal(
        `${'\n'.repeat(500)}http.port = -1\n${'x.y = 1\n'.replace('y', 'z').repeat(1)}${'#\n'.repeat(300)}`,
      ),
    ).toMatch(/^prest\.toml:501: /);
  });
});

describe('what is no TOML', () => {
  test('is shown with its place and a caret; a bare path is to be quoted', async () => {
    expect(await refusal('pluginpath = ./lib')).toBe(
      'prest.toml:1:14: invalid value\n\n1:  pluginpath = ./lib\n                 ^\n\nput text in quotes: pluginpath = "./lib"',
    );
  });

  test.each([
    ['[plugins]\ntimeout = 30s', 'put text in quotes: timeout = "30s"'],
    ['pluginpath = /usr/lib # mine', 'put text in quotes: pluginpath = "/usr/lib"'],
    ['pluginpath = C:\\lib', "put text in quotes: pluginpath = 'C:\\lib'"],
    ['[plugins]\nmode = process', 'put text in quotes: mode = "process"'],
  ])('%j', async (toml, hint) => {
    expect(await refusal(toml)).toContain(`\n\n${hint}`);
  });

  test.each(['a = 1\na = 2', '[http\nport = 1', 'a = "', 'a = [1,', '= 1', 'a = 1 2', 'a = true false'])(
    '%j',
    async (toml) => {
      const message = await refusal(toml);
      expect(message).toMatch(/^prest\.toml:\d+:\d+: \S/);
      expect(message).toMatch(/\n +\^/);
      expect(message).not.toContain('quotes');
    },
  );

  test.each([
    ['x = [', 'prest.toml:1:5: unfinished array', '1:  x = [\n        ^'],
    ['x = [\n', 'prest.toml:1:6: invalid value: the file ends here', '1:  x = [\n         ^'],
    ['a = 1\r\nx = [ # all\r\n  1,\r\n\r\n  ', 'prest.toml:3:5: invalid value: the file ends here', '2:  x = [ # all\n3:    1,\n        ^'],
    ['x = [1\n', 'prest.toml:1:7: expected comma or end of structure: the file ends here', '1:  x = [1\n          ^'],
    ['x = {\n\n', 'prest.toml:1:6: incomplete key-value: cannot find end of key: the file ends here', '1:  x = {\n         ^'],
  ])('where the file ends inside a bracket: %j', async (toml, first, excerpt) => {
    const message = await refusal(toml);
    expect(message.split('\n')[0]).toContain(first);
    expect(message.slice(message.indexOf('\n'))).toBe(`\n\n${excerpt}`);
  });

  test('is no UTF-8 either', async () => {
    expect(await refusal(Buffer.from('# caf\xe9\n', 'latin1'))).toBe(
      'prest.toml:1: this is not UTF-8 text, as TOML must be: save the file as UTF-8',
    );
    expect(await refusal(Buffer.from('a = 1\n\nb = "\xff"\n', 'latin1'))).toMatch(/^prest\.toml:3: /);
    expect(await refusal(Buffer.from('\ufeffa = 1', 'utf16le'))).toContain('not UTF-8');
  });
});

describe('keys that have no use', () => {
  async function notes(toml?: string, env?: Record<string, string>): Promise<string[]> {
    return (await load(toml, { env: env ?? {} })).notes.map(({ level, message }) => `${level} ${message}`);
  }

  test('a sample file of prestd is accepted, and its own keys are named once', async () => {
    const toml = `
version = 1
context = "/"
debug = false
pluginpath = "./lib"
[http]
host = "0.0.0.0"
port = 3000
timeout = 60 # seconds
[https]
mode = false
[pg]
host = "127.0.0.1"
single = true
[pg.ssl]
mode = "disable"
[[databases]]
alias = "app"
[auth]
enabled = false
[access]
restrict = false
[[access.tables]]
name = "customers"
[json.agg]
type = "jsonb_agg"
`;
    expect(await notes(toml)).toEqual([
      'info prest.toml: dlserve has no use for these keys of prestd: ' +
        'version, context, debug, http.timeout, [https], [pg], [databases], [auth], [access], [json]',
    ]);
  });

  test.each([
    ['plugin_path = "x"', 'prest.toml:1: unknown key plugin_path: did you mean `pluginpath`?'],
    ['port = 1', 'prest.toml:1: unknown key port: did you mean `http.port`?'],
    ['[http]\nhsot = "a"', 'prest.toml:2: unknown key http.hsot: did you mean `http.host`?'],
    ['[http]\nPort = 1', 'prest.toml:2: unknown key http.Port: did you mean `http.port`?'],
    ['[http]\ntime-out = 1', 'prest.toml:2: unknown key http.time-out'],
    ['[plugns]\nqueue = 1', 'prest.toml:1: unknown key plugns: did you mean `plugins`?'],
    ['[plugin.hello]\ntimout = "1s"', 'prest.toml:2: unknown key plugin.hello.timout: did you mean `timeout`?'],
    [
      '[plugin.hello]\nbuild = true',
      'prest.toml:2: unknown key plugin.hello.build: it is for all plugins, in [plugins]',
    ],
    ['[plugin.hello]\nbuildmemory = ""', 'unknown key plugin.hello.buildmemory: it is for all plugins, in [plugins]'],
    ['[plugin.my.lib]\nqueue = 1', 'write [plugin."my.lib"]'],
    ['[plugins.cnt]\nqueue = 1', 'prest.toml:1: unknown key plugins.cnt: for a plugin called cnt write [plugin.cnt]'],
    ['[plugins."my.lib"]\nqueue = 1', 'for a plugin called my.lib write [plugin."my.lib"]'],
    ['[plugins.cnt.config]\na = 1', 'for a plugin called cnt write [plugin.cnt]'],
    ['[plugins.config]\na = 1', 'unknown key plugins.config: it is for one plugin, in [plugin.NAME.config]'],
    ['[plugins]\ntimout = "1s"', 'prest.toml:2: unknown key plugins.timout: did you mean `plugins.timeout`?'],
    ['"what is this" = 1', 'prest.toml:1: unknown key "what is this"'],
    ['[unrelated]\nkey = 1', 'prest.toml:1: unknown key unrelated'],
  ])('%j is a warning', async (toml, words) => {
    const said = await notes(toml);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/^warn /);
    expect(said[0]).toContain(words);
    if (!words.includes('did you mean')) expect(said[0]).not.toContain('did you mean');
  });

  test('so is a variable that nobody knows, but not one of prestd or of others', async () => {
    expect(
      await notes(undefined, {
        PREST_HTTP_PROT: '1',
        PREST_PG_HOST: 'x',
        PREST_DEBUG: 'true',
        PREST_HTTP_TIMEOUT: '1',
        PORT: '1',
      }),
    ).toEqual(['warn unknown environment variable PREST_HTTP_PROT: did you mean `PREST_HTTP_PORT`?']);
  });
});

describe('options of an embedded host', () => {
  function refusedOptions(options: unknown): string {
    try {
      configFromOptions(options as HostOptions, RUNTIMES);
    } catch (error) {
      expect((error as DlserveError).code).toBe('BAD_CONFIG');
      return (error as DlserveError).message;
    }
    throw new Error('they were taken');
  }

  test('are the same keys', () => {
    const config = configFromOptions({
      pluginpath: 'p',
      http: { bodylimit: '2MB' },
      plugins: { timeout: '1s' },
      plugin: { hello: { mode: 'process', config: { since: new Date(0), big: 5n, nothing: undefined, list: [null] } } },
    }, RUNTIMES);
    expect(config).toMatchObject({
      pluginpath: path.resolve('p'),
      file: undefined,
      notes: [],
      http: { bodylimit: 2 ** 21 },
    });
    expect(config.settings('hello')).toMatchObject({ mode: 'process', timeout: 1000 });
    expect(JSON.stringify(config.settings('hello').config)).toBe(
      '{"since":"1970-01-01T00:00:00.000Z","big":"5","list":[null]}',
    );
  });

  test('may be empty, or undefined here and there', () => {
    const options = {
      pluginpath: undefined,
      http: undefined,
      plugin: { hello: undefined, other: { mode: undefined } },
    };
    expect(configFromOptions(options as unknown as HostOptions, RUNTIMES)).toMatchObject(DEFAULTS);
    expect(configFromOptions({}, RUNTIMES).settings('hello')).toEqual(SETTINGS);
  });

  test('are not touched by the environment', () => {
    process.env.PREST_HTTP_PORT = process.env.PORT = 'nonsense';
    try {
      expect(configFromOptions({}, RUNTIMES).http.port).toBe(3000);
    } finally {
      delete process.env.PREST_HTTP_PORT;
      delete process.env.PORT;
    }
  });

  test('are checked as the file is', () => {
    expect(refusedOptions({ http: { port: 'x' } })).toBe(
      'options: http.port must be a whole number from 0 to 65535, not "x"',
    );
    expect(refusedOptions({ http: null })).toContain('options: http must be a table, not null');
    expect(refusedOptions({ plugins: { timeout: 30 } })).toContain('write "30s" for seconds');
    expect(refusedOptions({ plugin: { '../x': {} } })).toContain('named like a library');
    expect(refusedOptions({ plugin: { x: { config: { f: () => 1 } } } })).toContain('f is a function');
    expect(refusedOptions({ plugin: { x: { config: { d: new Date(NaN) } } } })).toContain('d is no valid date');
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    expect(refusedOptions({ plugin: { x: { config: circle } } })).toContain('nested at most');
  });

  test.each([
    [null, 'null'],
    ['lib', '"lib"'],
    [['lib'], 'a list'],
    [3000, '3000'],
    [() => 1, 'a function'],
  ])('must be an object, not %p', async (options, what) => {
    const message = `options must be an object, not ${what}`;
    expect(refusedOptions(options)).toBe(message);
    await expect(createPluginHost(options as HostOptions)).rejects.toMatchObject({ name: 'DlserveError', code: 'BAD_CONFIG', message });
  });

  test('that nobody knows are noted', () => {
    expect(configFromOptions({ plugin_path: 'x' } as HostOptions, RUNTIMES).notes).toEqual([
      { level: 'warn', message: 'options: unknown key plugin_path: did you mean `pluginpath`?' },
    ]);
  });
});
