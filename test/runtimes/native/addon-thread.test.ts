import { loadAddon } from '../../../src/runtimes/native/addon';
import { threadRuntime } from '../../../src/runtimes/native/runtime';
import { conformance } from '../conformance';

conformance('mode "thread" with the addon', () => {
  expect(typeof loadAddon()).toBe('object');
  return threadRuntime();
});
