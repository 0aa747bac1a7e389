/* Bare Express 5 routes with its defaults. `node express.js send` answers as is usual, by res.type('json').send(text), which
 * adds an ETag; `node express.js end` answers by writeHead and end of node:http. */
'use strict';

const { createServer } = require('node:http');
const express = require('express');
const { SMALL, MEDIUM, LARGE, PATHS, lengthReply, announce } = require('./replies');

const ways = {
  send: (res, body) => res.type('json').send(body),
  end: (res, body) => {
    res.writeHead(200, ['Content-Type', 'application/json; charset=utf-8', 'Content-Length', String(body.length)]);
    res.end(body);
  },
};
const answer = ways[process.argv[2]];

const app = express();
app.get([PATHS.small, PATHS.goSmall], (req, res) => answer(res, SMALL));
app.get(PATHS.medium, (req, res) => answer(res, MEDIUM));
app.get(PATHS.large, (req, res) => answer(res, LARGE));
app.post([PATHS.length, PATHS.raw], express.raw({ type: () => true, limit: '2mb' }), (req, res) => answer(res, lengthReply(req.body.length)));
announce(createServer(app));
