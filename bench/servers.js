/* The servers that are measured, each in a fresh process. */
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { start } = require('./processes');
const { serverProcessOf } = require('./resources');
const { main } = require('./plugins');

/**
 * @typedef {object} ServerKind
 * @property {string} id as --only matches it
 * @property {string} label
 * @property {string | undefined} mode of dlserve; undefined: a reference server
 * @property {(pluginpath: string) => string[]} args for node
 * @property {NodeJS.ProcessEnv} env
 */

const MODES = ['inline', 'thread', 'process'];

function reference(id, label, file, ...rest) {
  const script = path.join(__dirname, 'reference', file);
  return { id, label, mode: undefined, args: (pluginpath) => [script, ...rest, pluginpath], env: {} };
}

function dlserve(mode, door) {
  return {
    id: `${mode}-${door}`,
    label: door === 'fast' ? `dlserve ${mode}, fast lane` : `dlserve ${mode}, Express door`,
    mode,
    args: (pluginpath) => [main, 'serve', '--port', '0', '--mode', mode, '--pluginpath', pluginpath, '--log-level', 'warn'],
    env: { PREST_HTTP_FASTLANE: String(door === 'fast'), PREST_HTTP_BODYLIMIT: '2MB', PREST_PLUGINS_BUILD: 'false' },
  };
}

/** @type {Record<string, ServerKind>} */
const SERVERS = Object.fromEntries(
  [
    reference('node-http', 'bare node:http', 'node-http.js'),
    reference('express-send', 'bare Express, res.send', 'express.js', 'send'),
    reference('express-end', 'bare Express, res.end', 'express.js', 'end'),
    reference('koffi-sync', 'Express + koffi by hand, sync', 'koffi.js', 'sync'),
    reference('koffi-async', 'Express + koffi by hand, async', 'koffi.js', 'async'),
    ...['fast', 'express'].flatMap((door) => MODES.map((mode) => dlserve(mode, door))),
  ].map((server) => [server.id, server]),
);

/** The environment of every server: the bench's own, without what would configure dlserve. */
function environment() {
  const env = { ...process.env, NODE_ENV: 'production' };
  for (const name of Object.keys(env)) if (name.startsWith('PREST_')) delete env[name];
  return env;
}

/**
 * Starts a server and waits until it listens.
 * @param {ServerKind} kind
 * @param {string} pluginpath
 */
async function startServer(kind, pluginpath) {
  const cwd = fs.mkdtempSync(path.join(os.tmpdir(), 'dlserve-bench-cwd-'));
  const begun = performance.now();
  const child = start(process.execPath, kind.args(pluginpath), { cwd, env: { ...environment(), ...kind.env } });
  const remove = () => fs.rmSync(cwd, { recursive: true, force: true });
  try {
    const [, url] = await child.printed(/listens on (http:\S+)/);
    const pid = serverProcessOf(child.pid);
    return {
      url,
      /** Of the process in which the plugins run. */
      pid,
      /** Of the one that supervises it; undefined where there is none. */
      parent: child.pid === pid ? undefined : child.pid,
      /** Milliseconds from the start of the process until its line was read here. */
      listening: performance.now() - begun,
      /** @throws Error where the server has ended */
      assertAlive() {
        const ending = child.ending();
        if (ending !== undefined) throw new Error(`the server ${ending}`);
      },
      async stop() {
        child.kill('SIGTERM');
        await child.ended(5_000);
        remove();
      },
    };
  } catch (error) {
    child.kill();
    remove();
    throw error;
  }
}

module.exports = { MODES, SERVERS, startServer, environment };
