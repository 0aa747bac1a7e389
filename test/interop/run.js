/* Installs the package as it would be published into a project of somebody else, and uses it there in every way that docs/api.md
 * tells of: npm run interop. Needs the npm registry. Names of cases as arguments run these alone. */
'use strict';

const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const root = path.resolve(__dirname, '../..');
const local = (name) => path.join('node_modules', '.bin', name);

/** What is run in the project; each ends well, and all but the test runners say "ok". */
const CASES = {
  commonjs: ['node', 'commonjs.cjs'],
  esm: ['node', 'esm.mjs'],
  'typescript, compiled': [local('tsc')],
  'typescript, run': ['node', 'typed/typed.js'],
  jest: [local('jest'), 'jest'],
  vitest: [local('vitest'), 'run', 'vitest'],
  'worker_threads': ['node', 'worker.cjs'],
  'express 5': ['node', 'express.cjs', 'express'],
  'express 4': ['node', 'express.cjs', 'express4'],
  'fastify 5': ['node', 'fastify.cjs', 'fastify'],
  'fastify 4': ['node', 'fastify.cjs', 'fastify4'],
  nest: ['node', 'nest.cjs'],
  bun: [local('bun'), 'commonjs.cjs'],
  deno: [local('deno'), 'run', '--allow-all', 'esm.mjs'],
};

function install() {
  const project = fs.mkdtempSync(path.join(os.tmpdir(), 'dlserve-interop-'));
  fs.cpSync(path.join(__dirname, 'project'), project, { recursive: true });
  const [{ filename }] = JSON.parse(execFileSync('npm', ['pack', '--json', '--pack-destination', project], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }));
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', `./${filename}`], { cwd: project, stdio: 'inherit' });
  return project;
}

function main(wanted) {
  const project = install();
  const env = { ...process.env, PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env.PATH}`, CI: '1' };
  const failed = [];
  for (const [name, [command, ...args]] of Object.entries(CASES)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const { status, signal, stdout, stderr, error } = spawnSync(command, args, { cwd: project, env, encoding: 'utf8', timeout: 120_000 });
    const saysOk = !/\.(cjs|mjs|js)$/.test(args.at(-1) ?? '') || command.includes('jest') || /^ok$/m.test(stdout);
    if (status === 0 && saysOk) {
      console.log(`${name}: ok`);
    } else {
      failed.push(name);
      console.log(`${name}: failed with ${error?.message ?? signal ?? status}\n${stdout}${stderr}`);
    }
  }
  if (failed.length === 0) fs.rmSync(project, { recursive: true });
  else console.log(`failed: ${failed.join(', ')}; see ${project}`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}

main(process.argv.slice(2));
