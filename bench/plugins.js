/* The bench's own plugins, compiled as a user's are, by `dlserve build`. */
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { start } = require('./processes');

const root = path.dirname(__dirname);
const main = path.join(root, 'dist/cli/main.js');

/** A Go compiler that starts with an empty cache takes its time. */
const LIMIT = 300_000;

/**
 * Compiles plugins/*, where they have changed since the last time.
 * @returns {Promise<{ pluginpath: string, missing(name: string): string | undefined }>} `missing` says why a plugin is not there
 */
async function buildPlugins() {
  if (!fs.existsSync(main)) throw new Error('dlserve itself is not built: npm run prepare');
  const pluginpath = path.join(os.tmpdir(), 'dlserve-bench');
  fs.mkdirSync(path.join(pluginpath, 'src'), { recursive: true });
  fs.cpSync(path.join(__dirname, 'plugins'), path.join(pluginpath, 'src'), { recursive: true });
  const { stdout, stderr } = await start(process.execPath, [main, 'build', '--pluginpath', pluginpath], { cwd: pluginpath }).ended(LIMIT);
  const failures = new Map();
  for (const [, name] of stdout.matchAll(/^(.*): failed$/gm)) failures.set(name, reasonOf(name, stderr));
  return {
    pluginpath,
    missing: (name) => failures.get(name) ?? (fs.existsSync(libraryOf(pluginpath, name)) ? undefined : `${name} was not built`),
  };
}

/** @returns the path of a plugin's library */
function libraryOf(pluginpath, name) {
  const candidates = ['.so', '.dylib'].map((extension) => path.join(pluginpath, `${name}${extension}`));
  return candidates.find((candidate) => fs.existsSync(candidate)) ?? candidates[0];
}

/** What the log of the build says of a plugin. */
function reasonOf(name, stderr) {
  for (const line of stderr.split('\n')) {
    try {
      const entry = JSON.parse(line);
      if (entry.plugin === name && entry.level >= 40) return entry.msg;
    } catch {
      // Not every line of a log is JSON.
    }
  }
  return `${name} did not compile`;
}

module.exports = { buildPlugins, libraryOf, main, root };
