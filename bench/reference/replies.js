/* What the plugins of the bench answer, for servers that answer the same without a plugin. */
'use strict';

/**
 * As in plugins/bench.c.
 * @param {number} size bytes of the whole text
 */
function message(size) {
  return `{"message":"${'x'.repeat(size - '{"message":""}'.length)}"}`;
}

const SMALL = message(100);
const MEDIUM = message(64 * 1024);
const LARGE = message(1024 * 1024);

/** @param {number} length bytes of the request body */
const lengthReply = (length) => `{"length":${length}}`;

const PATHS = {
  small: '/_PLUGIN/bench/Small',
  medium: '/_PLUGIN/bench/Medium',
  large: '/_PLUGIN/bench/Large',
  length: '/_PLUGIN/bench/Length',
  raw: '/_PLUGIN/bench/Raw',
  goSmall: '/_PLUGIN/gobench/Small',
};

/** How every server of the bench says where it is. */
function announce(server) {
  server.listen(0, '127.0.0.1', () => console.log(`listens on http://127.0.0.1:${server.address().port}`));
  process.on('SIGTERM', () => process.exit(0));
}

module.exports = { SMALL, MEDIUM, LARGE, PATHS, lengthReply, announce };
