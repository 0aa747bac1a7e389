/* Hosts crash.c for callers of whom some throw on hearing of their calls, and for one who throws on hearing of a crash: says who is answered. */
import { processRuntime } from '../../../src/runtimes/supervised/runner/runtime';
import type { Instance } from '../../../src/plugin/runtime';
import { callHandler, makeCall, pluginSource } from '../../support/runtime';
import { until } from '../../support/until';

const CALLS = 1000;
const ECHO = 0;
const FAULT = 1;

let uncaught = 0;
process.on('uncaughtException', (error) => {
  if (error.message === 'mine') uncaught++;
  else console.log('BAD:', error);
});

/** Every second call is of somebody who throws. */
async function crowd(plugin: Instance): Promise<void> {
  const answers: Promise<unknown>[] = [];
  for (let i = 0; i < CALLS; i++) {
    if (i % 2 === 0) callAndThrow(plugin, ECHO);
    else answers.push(callHandler(plugin, ECHO));
  }
  await Promise.all(answers);
}

function callAndThrow(plugin: Instance, handler: number): void {
  plugin.call(makeCall(plugin, handler, {}, throwMine));
}

function throwMine(): never {
  throw new Error('mine');
}

async function main(): Promise<void> {
  const [runner, library] = process.argv.slice(2);
  const symbols = ['GETEchoHandler', 'GETFaultHandler'];
  const observer = { resting: () => undefined, fault: throwMine };
  const source = pluginSource(library!, { symbols, settings: { mode: 'process', crashes: 10 }, observer });
  const plugin = await processRuntime({ runner: runner! }).open(source);
  await crowd(plugin);
  console.log('the others of a crowd are answered');
  callAndThrow(plugin, FAULT);
  await callHandler(plugin, ECHO);
  console.log('and so is one behind a crash');
  await until(() => uncaught === CALLS / 2 + 2);
  console.log('and each error is heard');
  await plugin.close(1000);
}

void main();
