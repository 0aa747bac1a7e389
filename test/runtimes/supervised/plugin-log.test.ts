import { PluginLog } from '../../../src/runtimes/supervised/plugin-log';
import type { Death } from '../../../src/runtimes/supervised/worker';
import { recordedLog } from '../../support/log';
import { pluginSource } from '../../support/runtime';
import { until } from '../../support/until';
import { compileInnocent } from './harness';

const DEATH: Death = {
  pid: 1,
  exit: { status: null, signal: 'SIGKILL', words: 'ended by SIGKILL' },
  lack: null,
  ending: 'timeout',
  stopped: false,
  refusal: null,
  culprit: null,
  site: null,
  age: 0,
  lines: Promise.resolve([]),
  place: '',
  executing: [],
  expired: [],
  kept: [],
  waiting: [],
};

it.each<[string, Partial<Death>, level: number]>([
  ['short deadlines', { ending: 'timeout' }, 40],
  ['requests that crash a plugin', { ending: null }, 50],
])('clients do not fill the log by %s', async (_, how, level) => {
  const { log, lines } = recordedLog();
  const faults: unknown[] = [];
  const observer = { resting: () => undefined, fault: (fault: unknown) => faults.push(fault) };
  const pluginLog = new PluginLog(pluginSource(compileInnocent('hang.c'), { symbols: [], log, observer }));
  pluginLog.opened();
  for (let i = 0; i < 1000; i++) pluginLog.death({ ...DEATH, ...how });
  await until(() => faults.length === 1000);
  await until(() => lines.some(({ leftOut }) => Number(leftOut) > 0));
  const told = lines.filter((line) => line.level === level && 'sha256' in line).length;
  expect(told).toBeLessThan(100);
  expect(told + lines.reduce((sum, { leftOut = 0 }) => sum + Number(leftOut), 0)).toBe(1000);
});
