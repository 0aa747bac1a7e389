import { processRuntime } from '../../src/runtimes/supervised/runner/runtime';
import { head } from '../support/runtime';
import { conformance } from '../runtimes/conformance';
import { builtRunner } from '../runtimes/supervised/built-runner';
import { closeAll, open, type Opened } from '../runtimes/supervised/harness';

const runner = builtRunner(['-g', '-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-fno-omit-frame-pointer']);

// An error found by a sanitizer ends the runner, which no test of the suite takes for success.
conformance('mode "process" under AddressSanitizer and UBSan', () => processRuntime({ runner }));

describe('the runner under AddressSanitizer and UBSan', () => {
  afterEach(closeAll);

  const quiet = (opened: Opened): void => expect(opened.lines.filter((line) => line.level > 30)).toEqual([]);

  it('serves many calls on several threads and ends without a leak', async () => {
    const opened = await open('hang.c', { runner, settings: { concurrency: 4 } });
    const bodies = Array.from({ length: 2000 }, (_, i) => 'ü'.repeat((i * 7919) % 40_000));
    const answers = bodies.map((body) => opened.ask('GETEchoHandler', { body: Buffer.from(body) }));
    for (const [i, answer] of (await Promise.all(answers)).entries()) expect(answer === `${head()}${JSON.stringify(bodies[i])}}`).toBe(true);
    await opened.plugin.close(20_000);
    quiet(opened);
  });
});
