'use strict';

const fs = require('node:fs');
const transform = require('./transform');

/* Lets a child process of a test run TypeScript as jest does: node -r typescript-require.js program.ts */
require.extensions['.ts'] = (module, file) => module._compile(transform.process(fs.readFileSync(file, 'utf8'), file).code, file);
