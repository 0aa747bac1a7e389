'use strict';

const fs = require('node:fs');

/** Nanoseconds on a processor, nanoseconds waiting for one, time slices: Linux, Documentation/scheduler/sched-stats.rst. */
const SCHEDSTAT = `/proc/self/task/${process.pid}/schedstat`;

const source = fs.existsSync(SCHEDSTAT)
  ? { what: 'the processor time of the main thread', read: () => Number(fs.readFileSync(SCHEDSTAT, 'latin1').split(' ', 1)[0]) / 1e6 }
  : { what: 'the processor time of the whole process', read: wholeProcess };

function wholeProcess() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

module.exports = {
  /** What "host time" is on this machine. */
  HOST_TIME: source.what,
  /** Milliseconds of it since the process began. */
  mainThreadTime: source.read,
};
