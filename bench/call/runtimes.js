/* The runtimes that are called without HTTP. */
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { root } = require('../plugins');

const native = () => require('../../dist/runtimes/native/runtime');
const supervised = () => require('../../dist/runtimes/supervised/runner/runtime');

const isBuilt = (file) => fs.existsSync(path.join(root, 'build/Release', file));
const needsAddon = () => (isBuilt('addon.node') ? undefined : 'the addon is not built: npm rebuild');
const needsRunner = () => (isBuilt('runner') ? undefined : 'the runner is not built: npm rebuild');
const needsNothing = () => undefined;

/**
 * `missing` says why it can't be had here.
 * @type {Record<string, { label: string, mode: string, missing(): string | undefined, create(): unknown }>}
 */
const RUNTIMES = {
  inline: {
    label: 'inline',
    mode: 'inline',
    missing: needsAddon,
    create: () => native().inlineRuntime(),
  },
  'inline-koffi': {
    label: 'inline, without the addon',
    mode: 'inline',
    missing: needsNothing,
    create: () => native().inlineRuntime({ addon: false }),
  },
  thread: {
    label: 'thread',
    mode: 'thread',
    missing: needsAddon,
    create: () => native().threadRuntime(),
  },
  'thread-koffi': {
    label: 'thread, without the addon',
    mode: 'thread',
    missing: needsNothing,
    create: () => native().threadRuntime({ addon: false }),
  },
  process: {
    label: 'process',
    mode: 'process',
    missing: needsRunner,
    create: () => supervised().processRuntime(),
  },
};

module.exports = { RUNTIMES };
