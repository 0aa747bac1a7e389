'use strict';

const path = require('node:path');

const script = path.join(__dirname, 'report.lua');

/** wrk, a program in C: takes the least of the machine away from the server. Whole seconds only. */
module.exports = {
  name: 'wrk',

  /** @param {import('./load').Aim} aim */
  command({ url, connections, seconds, body }) {
    const args = ['-t1', `-c${connections}`, `-d${Math.max(1, Math.round(seconds))}s`, '--timeout', '10s', '-s', script, url];
    return ['wrk', body === 0 ? args : [...args, '--', String(body)]];
  },

  /** @returns {import('./load').Load} */
  parse(output) {
    const report = /^report (.*)$/m.exec(output);
    if (report === null) throw new Error(`wrk printed no report:\n${output}`);
    const { requests, seconds, ...rest } = JSON.parse(report[1]);
    return { rate: requests / seconds, ...rest };
  },
};
