import { DlserveError, messageOf } from '../ground/errors';
import type { Logger } from '../ground/log';
import { openLimit, type PluginFile, type PluginSettings } from '../plugin/runtime';
import type { Services } from '../plugin/services';
import { ENDINGS } from '../runtimes/registry';
import type { Builds } from './builds';
import { findFile } from './find';
import type { Generation } from './generation';
import { openGeneration } from './opening';
import type { PrivateCopy } from './private-copy';
import type { Routes } from './routes';
import type { Slot } from './slot';

/** What a generation that was replaced, or whose file is gone, gets to end on top of the time that a handler may take which holds a thread. */
export const DRAIN_GRACE = 10_000;
/** Generations of a plugin that may drain at once; the next one waits for them. */
const MOST_DRAINING = 4;

export interface ReplacingParts {
  readonly pluginpath: string;
  readonly isolated: (name: string) => PluginSettings;
  readonly builds: Builds;
  readonly routes: Routes;
  readonly log: Logger;
  readonly services: Services;
  readonly showsBuildErrors?: boolean | undefined;
  /** Milliseconds that a generation gets for its end which comes too late, as the host is closed; undefined while it is not. */
  readonly lastWords: () => number | undefined;
  readonly reloaded: (change: { readonly plugin: string; readonly generation: number; readonly ms: number }) => void;
}

/**
 * Has one generation of a plugin follow another, blue/green: the next one is opened, answers, and only then the last one is closed. Where
 * that fails, the last one goes on. Whoever calls this sees to it that one thing is done to a plugin at a time.
 */
export class Replacing {
  constructor(private readonly parts: ReplacingParts) {}

  /**
   * Opens what is in pluginpath now.
   * @param slot one that is open
   * @param isForced also where the file has not changed; and a demotion ends
   */
  reload(slot: Slot, isForced: boolean): Promise<Generation> {
    // Whoever looks for changes closes one whose file is gone.
    const isGone = (error: unknown): boolean => !isForced && error instanceof DlserveError && error.code === 'LIBRARY_NOT_FOUND';
    return this.#orGoOn(slot, isGone, async () => {
      const { name, trouble } = slot;
      await this.parts.builds.wait(name);
      const file = await findFile(this.parts.pluginpath, name, ENDINGS);
      const hasFailed = trouble !== undefined && trouble.code !== 'BUILD_FAILED';
      if (file.fingerprint === slot.file?.fingerprint && !isForced && !hasFailed) {
        slot.compiles();
        return slot.current!;
      }
      slot.file = file;
      if (isForced) slot.demotion = undefined;
      else slot.reconsider(file.fingerprint);
      return this.replace(slot, file);
    });
  }

  /** Opens what the generation before ran from. @param slot one that is open */
  async rollback(slot: Slot): Promise<Generation> {
    const { name, previous } = slot;
    if (previous === undefined) {
      throw new DlserveError('BAD_CALL', { call: 'host.rollback', reason: `there is no generation of ${name} before the one that answers` });
    }
    return this.#orGoOn(slot, () => false, () => {
      slot.reconsider(previous.file.fingerprint);
      return this.replace(slot, previous);
    });
  }

  /** Opens the same in mode "process", and gives it the calls that have not begun. */
  async demote(slot: Slot): Promise<void> {
    const last = slot.current;
    if (last === undefined || last.mode === 'process') return;
    // Another file may have taken the place of the one that has earned it.
    slot.reconsider(last.copy.file.fingerprint);
    if (slot.demotion === undefined) return;
    try {
      last.moveWaitingTo(await this.replace(slot, last.copy));
    } catch (error) {
      slot.demotion = undefined;
      this.#goesOn(slot, error);
      throw error;
    }
  }

  /**
   * Opens a generation of a slot, has it answer, and lets the last one drain.
   * @param source what it is to run from: a file in pluginpath, or what another generation runs from
   */
  async replace(slot: Slot, source: PluginFile | PrivateCopy): Promise<Generation> {
    const { log, isolated, routes, lastWords, reloaded } = this.parts;
    const { name } = slot;
    const started = performance.now();
    await slot.fewDrain(MOST_DRAINING - 1);
    const settings = slot.demotion === undefined ? slot.settings : isolated(name);
    const next = await openGeneration(slot, source, settings, this.parts);
    const limit = lastWords();
    if (limit !== undefined) {
      await next.discard(limit);
      throw new DlserveError('STOPPING');
    }
    try {
      routes.admit(name, next.instance.routes, next.copy.file.base);
    } catch (clash) {
      await next.discard(openLimit(settings));
      throw clash;
    }
    slot.generations = next.number;
    const last = slot.swap(next);
    const ms = Math.round(performance.now() - started);
    const { title } = next.instance;
    const fields = { plugin: name, ...(title !== undefined && { title }), mode: settings.mode, ms };
    if (last === undefined) {
      log.info(fields, 'plugin opened');
    } else {
      void this.#drain(slot, last);
      log.info({ ...fields, generation: next.number }, 'plugin reloaded');
      reloaded({ plugin: name, generation: next.number, ms });
    }
    return next;
  }

  /** @param isNone which error is nothing that the plugin has to say */
  async #orGoOn(slot: Slot, isNone: (error: unknown) => boolean, open: () => Promise<Generation>): Promise<Generation> {
    const { demotion } = slot;
    try {
      return await open();
    } catch (error) {
      // Unless it was demoted meanwhile.
      slot.demotion ??= demotion;
      if (!isNone(error)) this.#goesOn(slot, error);
      throw error;
    }
  }

  /** What was to come next can't be had: the last one goes on. */
  #goesOn(slot: Slot, error: unknown): void {
    const { log, lastWords, showsBuildErrors } = this.parts;
    if (lastWords() !== undefined) return;
    const { name } = slot;
    slot.trouble = error instanceof DlserveError ? error : new DlserveError('INTERNAL', {}, { cause: error });
    slot.isBlocked = slot.trouble.code === 'BUILD_FAILED' && showsBuildErrors === true;
    slot.settle();
    if (!slot.isBlocked) log.error({ plugin: name, generation: slot.generations }, `${name} was not replaced, and goes on as it is: ${messageOf(error)}`);
  }

  async #drain(slot: Slot, last: Generation): Promise<void> {
    const { log } = this.parts;
    const { copy } = last;
    const isKept = !copy.isOriginal && slot.current?.copy.file.fingerprint !== copy.file.fingerprint;
    if (isKept) {
      void slot.previous?.remove();
      slot.previous = copy;
    }
    await last.idle(slot.settings.timeout, DRAIN_GRACE);
    await last.close(slot.settings.timeout + DRAIN_GRACE).catch((error: unknown) => log.error({ plugin: slot.name, err: error }, 'a generation could not be closed'));
    const remains = await copy.isMapped();
    if (!isKept) await copy.remove();
    slot.drained(last, remains);
    if (remains) log.info({ plugin: slot.name, generation: last.number, remains: slot.remains }, 'a generation can not be unloaded, and stays in memory');
  }
}
