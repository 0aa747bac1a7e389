import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { builtRunner } from './built-runner';
import { compileInnocent } from './harness';

it('who throws on hearing of a call or of a crash keeps nobody from an answer, and the error is heard', () => {
  const script = path.join(__dirname, 'throwing-host.ts');
  const args = ['-r', require.resolve('../../support/typescript-require.js'), script, builtRunner(), compileInnocent('crash.c')];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 55_000, killSignal: 'SIGKILL' });
  expect({ stdout, stderr }).toEqual({
    stdout: ['the others of a crowd are answered', 'and so is one behind a crash', 'and each error is heard', ''].join('\n'),
    stderr: '',
  });
});
