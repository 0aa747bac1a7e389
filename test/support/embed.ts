import { cpSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { createPluginHost, type HostOptions, type PluginHost } from '../../src';
import { compileFixture } from './compile';
import { silentLog } from './runtime';
import { scratch } from './server';

/** A host of its own, and the folder of its libraries. */
export interface Embedded {
  readonly host: PluginHost;
  readonly pluginpath: string;
}

/**
 * A plugin host in this very process, with copies of fixtures under their files' names: each is a library of its own.
 * @param fixtures files of test/fixtures/native
 */
export async function embed(fixtures: readonly string[], options: HostOptions = {}): Promise<Embedded> {
  const pluginpath = path.join(scratch(), 'lib');
  mkdirSync(pluginpath);
  for (const fixture of fixtures) cpSync(compileFixture(fixture), path.join(pluginpath, `${path.parse(fixture).name}.so`));
  return { host: await createPluginHost({ pluginpath, ...options }, silentLog()), pluginpath };
}
