import { inlineRuntime } from '../../../src/runtimes/native/runtime';
import { conformance } from '../conformance';

conformance('mode "inline" without the addon', () => inlineRuntime({ addon: false }), { inline: true, abi: 1 });
