import { processRuntime } from '../../../src/runtimes/supervised/runner/runtime';
import { conformance } from '../conformance';
import { builtRunner } from './built-runner';

conformance('mode "process"', () => processRuntime({ runner: builtRunner() }));
