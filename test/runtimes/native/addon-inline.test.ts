import { loadAddon } from '../../../src/runtimes/native/addon';
import { inlineRuntime } from '../../../src/runtimes/native/runtime';
import { conformance } from '../conformance';

conformance('mode "inline" with the addon', () => {
  expect(typeof loadAddon()).toBe('object');
  return inlineRuntime();
}, { inline: true });
