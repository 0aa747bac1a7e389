import { setTimeout } from 'node:timers/promises';
import { DlserveError } from '../ground/errors';
import type { Logger } from '../ground/log';
import { NO_BODY } from '../contract/request';
import type { Plugin, PluginSettings } from '../contract/runtime';
import type { Runtimes } from '../runtimes';
import type { Builds } from './builds';
import { HostCall, type Answer } from './call';
import { Deadlines } from './deadlines';
import { examine, locate, type Located } from './locate';
import type { Handler, OpenPlugin } from './plugin';

/** How soon a failed load is tried again when its file has not changed: the cause may lie elsewhere, in a database say. */
const RETRY_AFTER = 5_000;
/** What a plugin that opens when its host is closed already gets for its PluginStop, at least, in milliseconds. */
const LAST_WORDS = 500;

export interface HostParts {
  readonly pluginpath: string;
  readonly settings: (name: string) => PluginSettings;
  readonly runtimes: Runtimes;
  readonly builds: Builds;
  readonly log: Logger;
}

interface Failure {
  readonly error: DlserveError;
  readonly fingerprint: string;
  /** performance.now() from which it is tried again in any case. */
  readonly until: number;
}

/** Which plugins exist, and their state: find, build, open, call, close. */
export class Host {
  readonly #parts: HostParts;
  readonly #open = new Map<string, OpenPlugin>();
  readonly #opening = new Map<string, Promise<OpenPlugin>>();
  readonly #failed = new Map<string, Failure>();
  /** What is open in this very process; `inside` is all of its settings that the library depends on. */
  readonly #here: { readonly located: Located; readonly inside: string; readonly plugin: Promise<Plugin> }[] = [];
  readonly #deadlines = new Deadlines<HostCall>((call) => call.expire());
  #closed: Promise<void> | undefined;
  #closeBy = Infinity;

  constructor(parts: HostParts) {
    this.#parts = parts;
  }

  /**
   * The plugin of that name, built and opened on first access, once, however many ask for it meanwhile.
   * @param name has passed checkNames
   * @throws DlserveError LIBRARY_NOT_FOUND, BUILD_FAILED, LOAD_FAILED, ABI_UNSUPPORTED, INIT_FAILED, STOPPING
   */
  open(name: string): Promise<OpenPlugin> {
    if (this.#closed !== undefined) return Promise.reject(new DlserveError('STOPPING'));
    const open = this.#open.get(name);
    if (open !== undefined) return Promise.resolve(open);
    let opening = this.#opening.get(name);
    if (opening === undefined) {
      opening = this.#load(name).finally(() => this.#opening.delete(name));
      this.#opening.set(name, opening);
    }
    return opening;
  }

  async #load(name: string): Promise<OpenPlugin> {
    const { pluginpath, builds, log } = this.#parts;
    await builds.wait(name);
    const located = await locate(pluginpath, name);
    const failure = this.#failed.get(name);
    if (failure !== undefined && failure.fingerprint === located.fingerprint && performance.now() < failure.until) throw failure.error;
    this.#failed.delete(name);
    const started = performance.now();
    try {
      const plugin = await this.#openLocated(name, located);
      if (this.#closed !== undefined) {
        await plugin.runtime.close(Math.max(this.#closeBy - performance.now(), LAST_WORDS));
        throw new DlserveError('STOPPING');
      }
      this.#open.set(name, plugin);
      log.info({ plugin: name, mode: plugin.settings.mode, ms: Math.round(performance.now() - started) }, 'plugin opened');
      return plugin;
    } catch (error) {
      if (error instanceof DlserveError) {
        this.#failed.set(name, { error, fingerprint: located.fingerprint, until: performance.now() + RETRY_AFTER });
      }
      throw error;
    }
  }

  async #openLocated(name: string, located: Located): Promise<OpenPlugin> {
    const { settings: settingsOf, runtimes, log } = this.#parts;
    const { byFunc, data } = await examine(located);
    const settings = settingsOf(name);
    const symbols: string[] = [];
    const handlers = new Map<string, Map<string, Handler>>();
    for (const [func, methods] of byFunc) {
      const resolved = new Map<string, Handler>();
      for (const [method, symbol] of methods) resolved.set(method, { symbol, index: symbols.push(symbol) - 1 });
      handlers.set(func, resolved);
    }
    const open = async (): Promise<Plugin> =>
      (await runtimes.get(settings.mode)).open({ name, path: located.path, symbols, settings, log });
    const runtime = await (settings.mode === 'process' ? open() : this.#openHere(located, settings, open));
    return { name, library: located.library, settings, handlers, data, runtime };
  }

  /** In one process the system opens a file once, under whatever names: they share a plugin, or can't be had both. */
  #openHere(located: Located, settings: PluginSettings, open: () => Promise<Plugin>): Promise<Plugin> {
    const { library } = located;
    const inside = JSON.stringify([settings.mode, settings.concurrency, settings.config]);
    // The system knows a library by its path too, when another file stands there by now.
    const known = this.#here.find((other) => other.located.identity === located.identity || other.located.path === located.path);
    if (known === undefined) {
      const here = { located, inside, plugin: open() };
      this.#here.push(here);
      here.plugin.catch(() => this.#here.splice(this.#here.indexOf(here), 1));
      return here.plugin;
    }
    if (known.inside === inside) return known.plugin;
    const reason =
      `it is the same file as ${known.located.library}, which is open with another mode, concurrency or config; ` +
      'make these the same, copy the file, or use mode "process"';
    return Promise.reject(new DlserveError('LOAD_FAILED', { library, reason }));
  }

  /**
   * Calls a handler.
   * @param head of the request JSON, from requestHead
   * @param timeout milliseconds; the plugin's own timeout is the upper limit
   * @param passed milliseconds of it that are over already; those of the plugin's own begin now
   * @param id for the log
   * @param answer called once, at the latest at the deadline, unless the call is abandoned before
   * @returns the call while it is under way; null when it has been answered already
   */
  call(
    plugin: OpenPlugin,
    handler: Handler,
    head: string,
    body: Buffer | null,
    timeout: number,
    passed: number,
    id: string,
    answer: Answer,
  ): HostCall | null {
    const { runtime, settings, library } = plugin;
    if (this.#closed !== undefined) {
      answer(new DlserveError('STOPPING'), null);
      return null;
    }
    if (runtime.outstanding - runtime.capacity >= settings.queue) {
      answer(new DlserveError('OVERLOADED', { library, queue: settings.queue }, { headers: { 'Retry-After': '1' } }), null);
      return null;
    }
    const request = body === null ? head + NO_BODY : head;
    const isShorter = timeout - passed < settings.timeout;
    const call = new HostCall(plugin, handler, request, body, isShorter ? timeout : settings.timeout, isShorter ? passed : 0, id, this.#deadlines, answer);
    runtime.call(call);
    if (call.settled) return null;
    this.#deadlines.add(call);
    return call;
  }

  /**
   * Closes every plugin; idempotent. Calls under way are finished, new ones refused.
   * @param limit milliseconds for all of it
   */
  close(limit: number): Promise<void> {
    this.#closed ??= this.#close(limit);
    return this.#closed;
  }

  async #close(limit: number): Promise<void> {
    this.#closeBy = performance.now() + limit;
    const underway = [this.#parts.builds.stop(), ...this.#opening.values()];
    await Promise.race([Promise.allSettled(underway), setTimeout(limit, undefined, { ref: false })]);
    const left = Math.max(this.#closeBy - performance.now(), 0);
    await Promise.all(Array.from(this.#open.values(), (plugin) => plugin.runtime.close(left)));
  }
}
