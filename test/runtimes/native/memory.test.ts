import type { Instance, Runtime } from '../../../src/plugin/runtime';
import { inlineRuntime, threadRuntime } from '../../../src/runtimes/native/runtime';
import { compileFixture } from '../../support/compile';
import { makeCall, pluginSource } from '../../support/runtime';

const MEGABYTE = 1024 * 1024;

/** Makes calls, some hundred at a time, and resolves when all have answered with 1 KB. */
function makeCalls(plugin: Instance, total: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let begun = 0;
    let ended = 0;
    let isFilling = false;
    const fill = (): void => {
      if (isFilling) return;
      isFilling = true;
      while (begun < total && begun - ended < 256) {
        begun++;
        plugin.call(
          makeCall(plugin, 0, {}, (error, reply) => {
            if (reply?.body?.length !== 1023) reject(error ?? new Error('not a kilobyte'));
            ended++;
            if (ended === total) resolve();
            else fill();
          }),
        );
      }
      isFilling = false;
    };
    fill();
  });
}

/** Bytes that are not V8's, whose heap breathes. */
function outsideHeap(): number {
  const { rss, heapTotal } = process.memoryUsage();
  return rss - heapTotal;
}

describe.each<[string, () => Runtime, number]>([
  ['mode "inline" with the addon', () => inlineRuntime(), 1_000_000],
  ['mode "thread" with the addon', () => threadRuntime(), 1_000_000],
  ['mode "inline" without the addon', () => inlineRuntime({ addon: false }), 1_000_000],
  ['mode "thread" without the addon', () => threadRuntime({ addon: false }), 200_000],
])('%s', (_, createRuntime, total) => {
  it(`loses nothing of ${total} strings of 1 KB`, async () => {
    const plugin = await createRuntime().open(pluginSource(compileFixture('gives.c'), { symbols: ['GETKilobyteHandler'] }));
    await makeCalls(plugin, 50_000);
    const before = outsideHeap();
    await makeCalls(plugin, total);
    const grown = outsideHeap() - before;
    await plugin.close(5000);
    // Lost, they would take `total` KB.
    expect(grown).toBeLessThan(Math.min((total * 1024) / 3, 100 * MEGABYTE));
  });
});
