import { DlserveError } from '../../ground/errors';
import { isPlugin, type Factory, type Plugin } from './plugin';
import { unknownPlugin } from './unknown-plugin';

/** Ways to make plugins, by name. */
export class FactoryRegistry {
  readonly #factories = new Map<string, Factory>();

  /** @throws DlserveError NAME_TAKEN, BAD_PLUGIN for what is no function */
  register(name: string, factory: Factory): void {
    if (typeof factory !== 'function') throw new DlserveError('BAD_PLUGIN', { plugin: name, reason: 'its factory is no function' });
    if (this.#factories.has(name)) throw new DlserveError('NAME_TAKEN', { name, path: 'a factory of that name is registered' });
    this.#factories.set(name, factory);
  }

  /**
   * Makes a plugin; a new one each time.
   * @throws DlserveError UNKNOWN_PLUGIN with the name that was probably meant, BAD_PLUGIN where the factory made none; what the factory throws
   */
  create(name: string): Plugin {
    const factory = this.#factories.get(name);
    if (factory === undefined) throw unknownPlugin('factory', name, this.#factories.keys());
    const plugin: unknown = factory();
    if (!isPlugin(plugin)) throw new DlserveError('BAD_PLUGIN', { plugin: name, reason: 'its factory made something without name(), start() and stop()' });
    return plugin;
  }

  /** In the order in which they were registered. */
  names(): string[] {
    return [...this.#factories.keys()];
  }
}
