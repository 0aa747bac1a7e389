import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { FLAGS } from '../../src/config/keys';
import { version } from '../../src/ground/package';
import { MODES } from '../../src/plugin/runtime';
import { scratch } from '../support/server';
import { until } from '../support/until';
import { folder, main, run, serve } from './support';

describe('the command line', () => {
  test.each([[['--help']], [['serve', '--help']], [['build', '--help']], [['new', '--help']], [['inspect', '--help']], [['--version']]])(
    '%j is done',
    (args) => {
      const { code, stdout, stderr } = run(args);
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).not.toBe('');
    },
  );

  test.each([[['frob']], [['serve', '--frob']], [['new']], [['new', 'x', '--lang', 'cobol']], [['new', 'x']], [['inspect']], [['--port']]])(
    '%j is misuse, and is told what to do',
    (args) => {
      const { code, stderr } = run(args);
      expect(code).toBe(2);
      expect(stderr).toMatch(/^error: .*\n\(--help/);
    },
  );

  test.each([
    [['nwe', 'x', '--lang', 'c'], "error: unknown command 'nwe': did you mean new?"],
    [['--port', '0', 'buidl'], "error: unknown command 'buidl': did you mean build?"],
    [['help', 'inspekt'], "error: unknown command 'inspekt': did you mean inspect?"],
    [['serve', 'lib'], "error: serve takes no argument 'lib': the folder of the libraries is given by --pluginpath"],
    [['--prot', '3'], "error: unknown option '--prot'\n(Did you mean --port?)"],
    [['new', 'x'], "error: required option '--lang <c|cpp|go>' not specified"],
  ])('%j is told what was meant, or what there is', (args, words) => {
    expect(run(args)).toEqual({ code: 2, stdout: '', stderr: `${words}\n(--help shows what is possible)\n` });
  });

  test('--help has what there is to the default command, and its modes', () => {
    const { stdout } = run(['--help']);
    const flags = FLAGS.map(({ flag }) => `--${flag} <`);
    for (const words of [...flags, ...MODES, 'build [file...]', 'new <name>', 'inspect <library>', '-v, --version']) expect(stdout).toContain(words);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  test.each(['serve --port 0', 'build', 'new x --lang c', 'inspect x.so'])('%s in a directory that was deleted says so', (args) => {
    const { status, stdout, stderr } = spawnSync(`mkdir gone && cd gone && rmdir ../gone && exec "${process.execPath}" "${main}" ${args}`, {
      cwd: scratch(), shell: true, encoding: 'utf8',
    });
    expect([status, stdout, stderr]).toEqual([1, '', 'dlserve: the working directory has been deleted: change to one that is there\n']);
  });

  test.each(['--help', '-V', 'build --help', 'new x --lang c', 'inspect lib/echo.so', 'build'])('%s to a full disk has failed; to a reader that has gone, not', (args) => {
    const cwd = folder(['echo.c']);
    const command = `"${process.execPath}" "${main}" ${args}`;
    const { status, stderr } = spawnSync(`${command} > /dev/full`, { cwd, shell: true, encoding: 'utf8' });
    expect([status, stderr]).toEqual([1, expect.stringMatching(/(^|\n)dlserve: can't write to standard output: .*ENOSPC.*\n$/)]);
    rmSync(path.join(cwd, 'lib/src'), { recursive: true, force: true });
    const gone = spawnSync('bash', ['-c', `set -o pipefail; ${command} | sleep 0`], { cwd, encoding: 'utf8' });
    expect([gone.status, gone.stderr]).toEqual([0, '']);
  });

  test('misuse is told by the exit code, even where nothing can be written', () => {
    expect(spawnSync(`"${process.execPath}" "${main}" nwe 2> /dev/full`, { shell: true }).status).toBe(2);
  });

  test.each(['-v', '-V', '--version'])('%s prints the version', (flag) => {
    expect(run([flag])).toEqual({ code: 0, stdout: `${version()}\n`, stderr: '' });
  });

  test.each([[['--port', 'many'], /--port.*65535/], [['--mode', 'fast'], /--mode.*"thread"/], [['--config', 'nope.toml'], /nope\.toml/]])(
    '%j fails with a sentence, not a stack',
    (args, words) => {
      const { code, stderr } = run(args);
      expect(code).toBe(1);
      expect(stderr).toMatch(words);
      expect(stderr.trim().split('\n').length).toBeLessThan(4);
    },
  );

  test.each([[[]], [['--workers', '2']]])('a port that is taken is said so %j', async (more) => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    const { code, stderr } = await new Promise<ReturnType<typeof run>>((resolve) => resolve(run(['--port', String(port), ...more])));
    taken.close();
    expect([code, stderr]).toEqual([1, `dlserve: port ${port} on 127.0.0.1 is taken: stop what listens there, or choose another with --port (0 picks a free one)\n`]);
  });

  test('a start that fails waits for no compiler', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const cwd = folder([], `[http]\nport = ${(taken.address() as AddressInfo).port}\n`);
    mkdirSync(path.join(cwd, 'lib/src'));
    writeFileSync(path.join(cwd, 'lib/src/slow.c'), '');
    writeFileSync(path.join(cwd, 'cc'), '#!/bin/sh\nexec sleep 600\n', { mode: 0o755 });
    const { status } = spawnSync(process.execPath, [main], { cwd, env: { ...process.env, CC: path.join(cwd, 'cc') }, timeout: 60_000 });
    taken.close();
    // It would wait for its compiler otherwise.
    expect(status).toBe(1);
  });

  test('lists every endpoint with a curl line, and what can not be served', async () => {
    const cwd = folder(['echo.c']);
    writeFileSync(path.join(cwd, 'lib/text.so'), 'text');
    writeFileSync(path.join(cwd, 'lib/my text.so'), 'text');
    const server = await serve(cwd);
    const list = await until(() => /\n {2}curl[^]*text\.so[^]*\n/.exec(server.stdout())?.[0]);
    expect(list).toContain(`  curl ${server.url}/_PLUGIN/echo/Echo\n  curl -X POST -d 'text' ${server.url}/_PLUGIN/echo/Echo\n`);
    expect(list).toContain('  # text.so did not load:');
    expect(list).toContain('  # illegal file "my text": letters, digits');
  });

  test('notes of the configuration are logged', async () => {
    const server = await serve(folder([], 'pluginpaht = "x"\n[pg]\nhost = "h"\n'));
    const messages = server.log().map(({ msg }) => msg);
    expect(messages).toContainEqual(expect.stringContaining('did you mean `pluginpath`'));
    expect(messages).toContainEqual(expect.stringContaining('[pg]'));
  });
});
