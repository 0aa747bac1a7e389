import { threadRuntime } from '../../../src/runtimes/native/runtime';
import { streams } from '../streams';

streams('mode "thread" with the addon', () => threadRuntime(), { holds: true });
