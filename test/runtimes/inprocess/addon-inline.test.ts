import { loadAddon } from '../../../src/runtimes/inprocess/addon';
import { createInlineRuntime } from '../../../src/runtimes/inprocess';
import { conformance } from '../conformance';

conformance('mode "inline" with the addon', () => {
  expect(typeof loadAddon()).toBe('object');
  return createInlineRuntime();
}, { inline: true });
