/* A bare node:http handler: what any server on Node can reach at best. The headers are dlserve's. */
'use strict';

const { createServer } = require('node:http');
const { SMALL, MEDIUM, LARGE, PATHS, lengthReply, announce } = require('./replies');

const replies = new Map([[PATHS.medium, Buffer.from(MEDIUM)], [PATHS.large, Buffer.from(LARGE)]]);

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
    answer(res, replies.get(req.url) ?? SMALL);
  }
});
announce(server);
