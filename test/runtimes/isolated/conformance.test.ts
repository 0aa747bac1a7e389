import { createIsolatedRuntime } from '../../../src/runtimes/isolated';
import { conformance } from '../conformance';
import { builtRunner } from './built-runner';

conformance('mode "process"', () => createIsolatedRuntime({ runner: builtRunner() }));
