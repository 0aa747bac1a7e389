'use strict';

const ts = require('typescript');

const options = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true, inlineSourceMap: true, inlineSources: true };

/** Jest's transform: types are dropped, and checked elsewhere by `npm run types`. */
module.exports = {
  process: (source, fileName) => ({ code: ts.transpileModule(source, { fileName, compilerOptions: options }).outputText }),
};
