import { mkdir } from 'node:fs/promises';
import { DlserveError, messageOf } from '../../ground/errors';
import { createLog } from '../../ground/log';
import { warnOfUnusedSections } from '../../host/unused-sections';
import { watchPlugins, type Target } from '../../host/watch';
import { buildsOf } from '../../api/builds';
import { sourceFolder } from '../../toolchain/sources';
import { readConfig } from '../config';
import type { FlagValues } from '../flags';
import { ServerOutput } from '../output/server-output';
import { reload } from '../serve/reload';
import { startServer } from '../serve/server';
import { onServerSignals } from '../signals';
import { urlOf } from '../url';

/** `dlserve dev`: serves in this one process, builds what was saved, and shows what a compiler says until it has nothing to say. */
export async function dev(flags: FlagValues): Promise<void> {
  const config = await readConfig(flags);
  // Somebody looks on, even if through a pipe.
  const log = createLog(config.log.level, {}, true);
  for (const { level, message } of config.notes) log[level](message);
  const { pluginpath } = config;
  await mkdir(sourceFolder(pluginpath), { recursive: true }).catch((cause: unknown) => {
    throw new DlserveError('WRITE_FAILED', { path: sourceFolder(pluginpath), reason: messageOf(cause) }, { cause });
  });

  const output = new ServerOutput(pluginpath, () => log);
  const builds = buildsOf(config, log, (event) => output.build(event), { quiet: true, showsWords: true });
  const server = await startServer({ ...config, http: { ...config.http, workers: 1 } }, builds, log, { showsBuildErrors: true }).catch(async (error: unknown) => {
    output.end();
    await builds.stop();
    throw error;
  });
  const host = server.plugins;
  const target: Target = {
    async reload(name, since) {
      try {
        await host.reload(name);
        output.say(`${name}: ready in ${Math.round(performance.now() - since)} ms`);
        await output.plugin(name);
      } catch (error) {
        // What the compiler says was shown.
        if (!(error instanceof DlserveError && error.code === 'BUILD_FAILED')) output.say(`${name}: ${messageOf(error)}`);
      }
    },
    async remove(name) {
      await host.remove(name);
      output.forget(name);
      output.say(`${name}: gone`);
    },
  };
  const watching = watchPlugins({ pluginpath, builds, target, log });
  onServerSignals(log, {
    stop: async (signal) => {
      output.end();
      log.info(`${signal}: finishing what runs, for up to ${config.http.stoptimeout} ms`);
      await watching.close();
      await server.stop();
      log.info('stopped');
    },
    reload: reload(builds, log, () => host.reloadChanged()),
  });
  await watching.ready;
  await output.listening(urlOf(config.http.host, server.port), builds);
  await warnOfUnusedSections(config, builds, log);
}
