'use strict';

/* Drives mode "thread" from a JavaScript thread for each of its libraries, with an addon that isn't the built one.
 * Argument: {"addon":"path","program":"churn or race","libraries":["path"]} */

const { isMainThread, Worker, workerData } = require('node:worker_threads');

const { addon, program, libraries } = isMainThread ? JSON.parse(process.argv[2]) : workerData;
const dlopen = process.dlopen;
process.dlopen = (module, file, ...rest) => dlopen.call(process, module, file.endsWith('/Release/addon.node') ? addon : file, ...rest);

const { threadRuntime, open, makeCall, call } = require('../support/child-prelude.js');

const SYMBOLS = ['GETQuickHandler', 'GETNapHandler', 'GETCountHandler'];

/** Opens the library once nothing runs in it that was given up. */
async function openFree(library) {
  for (;;) {
    try {
      return await open(threadRuntime(), library, SYMBOLS);
    } catch (error) {
      if (error.code !== 'UNAVAILABLE') throw error;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

const programs = {
  /** Calls that end, that are withdrawn or too late, waiting or begun; and closings, of which some give the library up. */
  async churn(library) {
    for (let round = 0; round < 6; round++) {
      const plugin = await openFree(library);
      const calls = Array.from({ length: 300 }, (_, i) => makeCall(() => {}, i % 2));
      calls.forEach((exchange, i) => {
        plugin.call(exchange);
        if (i % 5 === 0) plugin.withdraw(exchange);
      });
      await call(plugin, 0);
      // Alone, and so waited for: some come back in time, some are withdrawn.
      for (let i = 0; i < 40; i++) {
        if (i % 9 === 0) {
          const withdrawn = makeCall(() => {});
          plugin.call(withdrawn);
          plugin.withdraw(withdrawn);
        }
        await call(plugin, i % 8 === 7 ? 1 : 0);
      }
      calls.forEach((exchange, i) => i % 7 === 0 && plugin.expire(exchange));
      for (const exchange of calls.slice(0, 20)) plugin.call(exchange);
      await plugin.close(round % 2 === 0 ? 10_000 : 1);
    }
  },

  /** The library's own race. */
  async race(library) {
    const plugin = await open(threadRuntime(), library, SYMBOLS);
    await Promise.all(Array.from({ length: 64 }, (_, i) => call(plugin, 1 + (i % 2))));
    await plugin.close(10_000);
  },
};

const [own, ...others] = libraries;
for (const library of others) new Worker(__filename, { workerData: { addon, program, libraries: [library] } });
void programs[program](own).then(() => process.stdout.write(`${program} is through\n`));
