'use strict';

const { parseArgs } = require('node:util');

const USAGE = `npm run bench -- [--quick | --full] [--only PATTERN] [--load wrk|autocannon] [--write FOLDER] [--json FILE]

  --quick         about half a minute, only to look at; without it about thirteen minutes
  --full          about half an hour, for figures to be published
  --only PATTERN  only the rows whose name matches, a regular expression:
                  http/get-c64/thread-fast, beside/…, call/…, start/…, many/…, instructions/…
  --load NAME     what makes the load; wrk where it is installed, else autocannon
  --write FOLDER  put tables and charts into a folder with a benchmarks.md: docs
  --json FILE     write all figures to a file`;

/**
 * @param {readonly string[]} args
 * @returns {{ preset: 'normal' | 'quick' | 'full' | 'probe', only: RegExp, load: string | undefined, write: string | undefined, json: string | undefined }
 *   | undefined} undefined: the usage was printed
 */
function readOptions(args) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean' },
      full: { type: 'boolean' },
      // Not in the usage: for the test of the bench.
      probe: { type: 'boolean' },
      only: { type: 'string', default: '' },
      load: { type: 'string' },
      write: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return undefined;
  }
  const presets = ['quick', 'full', 'probe'].filter((name) => values[name]);
  if (presets.length > 1) throw new Error(`only one of --${presets.join(' and --')}`);
  if (values.load !== undefined && !['wrk', 'autocannon'].includes(values.load)) throw new Error('--load is wrk or autocannon');
  const { only, write, json } = values;
  return { preset: presets[0] ?? 'normal', only: new RegExp(only), load: values.probe ? 'probe' : values.load, write, json };
}

module.exports = { readOptions, USAGE };
