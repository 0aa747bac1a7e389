'use strict';

const os = require('node:os');

/** Where and when this was measured. */
function describeMachine() {
  const cpus = os.cpus();
  return {
    cpu: cpus[0]?.model.trim() ?? 'unknown',
    cores: cpus.length,
    memory: `${Math.round(os.totalmem() / 1024 ** 3)} GB`,
    kernel: `${os.type()} ${os.release()}`,
    node: process.version,
    date: new Date().toISOString().slice(0, 10),
    /** Processes that ran or waited in the last minute: well above 0 at the start, others were busy here. */
    loadBefore: os.loadavg()[0].toFixed(2),
  };
}

module.exports = { describeMachine };
