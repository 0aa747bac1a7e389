import { createThreadRuntime } from '../../../src/runtimes/inprocess';
import { LibuvShare } from '../../../src/runtimes/inprocess/libuv-share';
import { conformance } from '../conformance';

conformance('mode "thread" without the addon', () => createThreadRuntime({ addon: false }), {
  anyCapacity: new LibuvShare().mostForOne,
});
