'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const program = require.resolve('autocannon/autocannon.js');

/** autocannon, from npm: a Node program, so it takes more of the machine than wrk does. Its latencies are whole milliseconds. */
module.exports = {
  name: 'autocannon',

  /** @param {import('./load').Aim} aim */
  command({ url, connections, seconds, body }) {
    const args = [program, '--json', '--no-progress', '-c', String(connections), '-d', String(Math.max(1, Math.round(seconds)))];
    if (body > 0) args.push('-m', 'POST', '-H', 'content-type=text/plain', '-i', bodyFile(body));
    return [process.execPath, [...args, url]];
  },

  /** @returns {import('./load').Load} */
  parse(output) {
    const { requests, duration, latency, errors, non2xx, timeouts } = JSON.parse(output);
    return {
      rate: requests.total / duration,
      p50: latency.p50,
      p99: latency.p99,
      max: latency.max,
      errors: errors + non2xx + timeouts,
    };
  },
};

/** Too long for an argument. */
function bodyFile(size) {
  const file = path.join(os.tmpdir(), `dlserve-bench-body-${size}`);
  if (!fs.existsSync(file)) fs.writeFileSync(file, 'x'.repeat(size));
  return file;
}
