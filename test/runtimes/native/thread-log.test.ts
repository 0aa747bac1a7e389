import { ThreadLog } from '../../../src/runtimes/native/thread/thread-log';
import { recordedLog } from '../../support/log';
import { handlersNamed, makeCall, pluginSource } from '../../support/runtime';

test('a plugin that hangs again and again does not fill the log', () => {
  const { log, lines } = recordedLog();
  const faults: unknown[] = [];
  const observer = { resting: () => undefined, fault: (fault: unknown) => faults.push(fault) };
  const threadLog = new ThreadLog(pluginSource('late.so', { symbols: ['GETLateHandler'], log, observer }));
  const call = makeCall({ handlers: handlersNamed(['GETLateHandler']) }, 0, {}, () => undefined);
  for (let i = 0; i < 100; i++) {
    threadLog.holds(call);
    threadLog.cameBack(call);
  }
  expect([lines.length, faults.length]).toEqual([100, 100]);
  expect(new Set(lines.map(({ msg }) => msg)).size).toBe(2);
});
