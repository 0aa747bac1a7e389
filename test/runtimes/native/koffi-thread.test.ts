import { threadRuntime } from '../../../src/runtimes/native/runtime';
import { LibuvShare } from '../../../src/runtimes/native/thread/libuv-share';
import { conformance } from '../conformance';

conformance('mode "thread" without the addon', () => threadRuntime({ addon: false }), {
  abi: 1,
  anyCapacity: new LibuvShare().mostForOne,
});
