/* What a person writes who calls a library from Express by hand: koffi, a string in, a disposable string out. */
'use strict';

const { createServer } = require('node:http');
const path = require('node:path');
const express = require('express');
const koffi = require('koffi');
const { PATHS, announce } = require('./replies');

const [, , way, pluginpath] = process.argv;

const bench = koffi.load(path.join(pluginpath, 'bench.so'));
const given = koffi.disposable('given', 'str', bench.func('void PluginFree(void *given)'));
const small = bench.func('GETSmallHandler', given, ['str']);
const sleep = koffi.load(path.join(pluginpath, 'sleep.so')).func('GETSleepHandler', 'str', ['str']);

const ways = {
  sync: (handler, text, res) => res.type('json').send(handler(text)),
  async: (handler, text, res, next) => {
    handler.async(text, (error, reply) => {
      if (error) next(error);
      else res.type('json').send(reply);
    });
  },
};

const call = (handler) => (req, res, next) => ways[way](handler, JSON.stringify({ url_query: req.query }), res, next);

const app = express();
app.get(PATHS.small, call(small));
app.get('/_PLUGIN/sleep/Sleep', call(sleep));
announce(createServer(app));
