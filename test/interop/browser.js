/* Server-sent events of a plugin in a real browser, by EventSource, and through curl -N: npm run interop:browser. Needs a Chromium; CHROMIUM
 * names it where it is not called chromium. */
'use strict';

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { createPluginHost } = require('../..');

const TOKENS = '/_PLUGIN/c-stream/Tokens?text=one+two+three';
const LIMIT = 60_000;

/** Tells what it has heard, and that the first event came before the last was sent. */
const PAGE = `<!doctype html><title>events</title><script>
const heard = [], begun = performance.now();
const tell = (how) => fetch('/told', { method: 'POST', body: JSON.stringify({ how, heard, ms: performance.now() - begun }) });
const events = new EventSource('${TOKENS}');
events.onmessage = ({ data }) => heard.push(data);
events.addEventListener('done', () => { events.close(); clock(); });
events.onerror = () => tell('error');
function clock() {
  const ticks = new EventSource('/_PLUGIN/c-stream/Clock');
  ticks.onmessage = ({ data }) => { if (heard.push(Number(data) > 0 ? 'tick' : data) === 5) { ticks.close(); tell('done'); } };
}
</script>`;

async function main() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'dlserve-browser-'));
  fs.mkdirSync(path.join(folder, 'lib/src'), { recursive: true });
  fs.copyFileSync(path.join(__dirname, '../../examples/c-stream/c-stream.c'), path.join(folder, 'lib/src/c-stream.c'));
  for (const mode of ['thread', 'process']) {
    const host = await createPluginHost({ pluginpath: path.join(folder, 'lib'), plugins: { mode } });
    await host.ready();
    await inBrowser(host, folder);
    await host.close();
    console.log(`mode ${mode}: ok`);
  }
  fs.rmSync(folder, { recursive: true });
  console.log('ok');
}

async function inBrowser(host, folder) {
  let tell;
  const told = new Promise((resolve) => (tell = resolve));
  const server = http.createServer((req, res) => {
    if (host.handle(req, res)) return;
    if (req.url === '/told') req.setEncoding('utf8').on('data', (text) => (tell(JSON.parse(text)), res.end()));
    else res.setHeader('Content-Type', 'text/html').end(req.url === '/' ? PAGE : '');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', `--user-data-dir=${path.join(folder, 'profile')}`, '--remote-debugging-port=0', url];
  const browser = spawn(process.env.CHROMIUM ?? 'chromium', args, { stdio: 'ignore' });
  const late = new Promise((_, reject) => {
    browser.on('error', reject);
    setTimeout(() => reject(new Error('the browser told nothing')), LIMIT).unref();
  });
  try {
    const { how, heard } = await Promise.race([told, late]);
    assert.deepStrictEqual([how, heard], ['done', ['one', 'two', 'three', 'tick', 'tick']]);
    assert.strictEqual(await curled(url + TOKENS), 'data: one\n\ndata: two\n\ndata: three\n\nevent: done\ndata:\n\n');
  } finally {
    browser.kill();
    server.closeAllConnections();
    server.close();
  }
}

/** What curl prints, in pieces: each event is one of its own. */
function curled(url) {
  return new Promise((resolve, reject) => {
    const curl = spawn('curl', ['-sN', url], { stdio: ['ignore', 'pipe', 'inherit'] });
    const pieces = [];
    curl.stdout.on('data', (piece) => pieces.push(String(piece)));
    curl.on('error', reject).on('close', () => {
      if (pieces.length < 3) reject(new Error(`the events came in ${pieces.length} pieces`));
      resolve(pieces.join(''));
    });
  });
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
