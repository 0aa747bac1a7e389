import type { Logger } from '../../ground/log';
import type { Config } from '../../config/load';
import type { Builds } from '../../host/builds';
import { Connections } from '../../http/connections';
import { listen } from '../../http/listen';
import { Probes } from '../../http/probes';
import { createServer } from '../../http/server';
import { checkModes, findPlugins, PluginHost, type HostBehaviour } from '../../api/plugin-host';

/** A server that listens, in this process. */
export interface RunningServer {
  readonly port: number;
  readonly plugins: PluginHost;
  /** Stops accepting, finishes what runs within `http.stoptimeout`, and lets go of the plugins. Never rejects. */
  readonly stop: () => Promise<void>;
}

export interface ServerSetup extends HostBehaviour {
  /** Called before it listens. */
  readonly onHost?: (plugins: PluginHost) => void;
  /** The handle of a socket to listen on; without one it makes its own. */
  readonly socket?: unknown;
}

/** PluginStop gets at least this long, in milliseconds, also when the requests under way have used up the limit. */
const LAST_WORDS = 500;

/** @throws DlserveError RUNNER_MISSING, or BAD_CONFIG when the address can't be had */
export async function startServer(config: Config, builds: Builds, log: Logger, { onHost, socket, ...behaviour }: ServerSetup = {}): Promise<RunningServer> {
  checkModes(config);
  const names = await findPlugins(config);
  const plugins = new PluginHost(config, builds, log, behaviour);
  onHost?.(plugins);
  const { fastlane, bodylimit, stoptimeout } = config.http;
  const probes = new Probes(() => plugins.readiness(), log);
  const server = createServer({ endpoint: plugins.endpoint, fastlane, bodylimit, log, probes });
  const connections = new Connections(server);
  const port = await listen(server, config.http, socket);
  plugins.begin(names);
  return {
    port,
    plugins,
    stop: async () => {
      probes.stopping();
      const end = performance.now() + stoptimeout;
      plugins.endStreams(stoptimeout);
      const inTime = await connections.stop(stoptimeout);
      if (!inTime) log.warn(`requests were still under way after ${stoptimeout} ms and were cut off`);
      await plugins.close(Math.max(end - performance.now(), LAST_WORDS)).catch((error: unknown) => log.error({ err: error }, 'the plugins could not be closed'));
    },
  };
}
