import { processRuntime } from '../../../src/runtimes/supervised/runner/runtime';
import { streams } from '../streams';
import { builtRunner } from './built-runner';

streams('mode "process"', () => processRuntime({ runner: builtRunner() }));
