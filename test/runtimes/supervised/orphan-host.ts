/* A host of one library: prints the process ids below it, and lives on unless the handler is "none". Run by stopping.test.ts. */
import { processRuntime } from '../../../src/runtimes/supervised/runner/runtime';
import { callHandler, pluginSource, textOf } from '../../support/runtime';

async function main(): Promise<void> {
  const [runner, library, handler] = process.argv.slice(2);
  const symbols = ['GETPidHandler', 'GETEchoHandler', 'GETWaitHandler', 'GETLeaveHandler'];
  const plugin = await processRuntime({ runner: runner! }).open(pluginSource(library!, { symbols }));
  const pids = [textOf(await callHandler(plugin, 0))];
  if (handler === 'GETLeaveHandler') pids.push(textOf(await callHandler(plugin, 3)));
  if (handler === 'GETWaitHandler') void callHandler(plugin, 2, { query: 'gate=/never' });
  console.log(pids.join(' '));
  if (handler !== 'none') setInterval(() => undefined, 1000);
}

void main();
