import { createInlineRuntime } from '../../../src/runtimes/inprocess';
import { conformance } from '../conformance';

conformance('mode "inline" without the addon', () => createInlineRuntime({ addon: false }), { inline: true });
