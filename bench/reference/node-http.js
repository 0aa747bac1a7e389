/* A bare node:http handler: what any server on Node can reach at best. The headers are dlserve's. */
'use strict';

const { createServer } = require('node:http');
const { SMALL, LARGE, PATHS, lengthReply, announce } = require('./replies');

const large = Buffer.from(LARGE);

function answer(res, body) {
  res.writeHead(200, ['Content-Type', 'application/json; charset=utf-8', 'Content-Length', String(body.length)]);
  res.end(body);
}

const server = createServer((req, res) => {
  if (req.method === 'POST') {
    const chunks = [];
    req.on('data', (chunk) => chunks.push(chunk));
    req.on('end', () => answer(res, lengthReply(Buffer.concat(chunks).length)));
  } else {
    answer(res, req.url === PATHS.large ? large : SMALL);
  }
});
announce(server);
