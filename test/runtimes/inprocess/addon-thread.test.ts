import { loadAddon } from '../../../src/runtimes/inprocess/addon';
import { createThreadRuntime } from '../../../src/runtimes/inprocess';
import { conformance } from '../conformance';

conformance('mode "thread" with the addon', () => {
  expect(typeof loadAddon()).toBe('object');
  return createThreadRuntime();
});
