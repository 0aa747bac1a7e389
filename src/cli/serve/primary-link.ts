import { DlserveError } from '../../ground/errors';
import type { Builds } from '../../host/builds';
import type { PluginHost } from '../../api/plugin-host';
import { RemoteState } from './remote-state';
import type { Built, Demotion, FromPrimary, Order, Start, ToPrimary } from './ipc';

/** What a server process is to do, and the socket that came with that. */
export interface Started extends Start {
  readonly socket: unknown;
}

interface Waiter {
  readonly promise: Promise<void>;
  readonly settle: (answer: Built) => void;
}

/** The primary, as a server process sees it. */
export class PrimaryLink {
  /** What this process is to do. */
  readonly start: Promise<Started>;
  /** Sources are compiled there. */
  readonly builds: Builds = {
    wait: (name) => this.#wait(name),
    unfinished: () => new Map(),
    // The primary's own affair.
    rebuild: () => Promise.resolve([]),
    finished: Promise.resolve(),
    stop: () => Promise.resolve(),
  };
  readonly state = new RemoteState((message) => this.tell(message));
  #started!: (start: Started) => void;
  readonly #waiting = new Map<string, Waiter>();
  #plugins: PluginHost | undefined;
  /** What came before there were plugins. */
  readonly #early: Order[] = [];

  constructor() {
    this.start = new Promise((resolve) => (this.#started = resolve));
    process.on('message', (message: FromPrimary, socket: unknown) => this.#take(message, socket));
  }

  tell(message: ToPrimary, sent: () => void = () => undefined): void {
    process.send?.(message, undefined, undefined, sent);
  }

  /**
   * From now on the primary's word holds for these.
   * @param demoted what it had to say at the start
   */
  obey(plugins: PluginHost, demoted: readonly Demotion[]): void {
    this.#plugins = plugins;
    plugins.onDemoted((demotion) => this.tell({ type: 'demoted', ...demotion }));
    for (const demotion of demoted) this.#apply({ type: 'demote', ...demotion }, plugins);
    for (const message of this.#early.splice(0)) this.#apply(message, plugins);
  }

  #take(message: FromPrimary, socket: unknown): void {
    if (message.type === 'start') this.#started({ ...message, socket: message.hasSocket ? socket : undefined });
    else if (message.type === 'built') this.#built(message);
    else if (message.type === 'state-answer') this.state.heard(message);
    else if (this.#plugins === undefined) this.#early.push(message);
    else this.#apply(message, this.#plugins);
  }

  /** The host logs what goes wrong. */
  #apply(order: Order, plugins: PluginHost): void {
    obeyed(order, plugins).catch(() => undefined);
  }

  #wait(name: string): Promise<void> {
    const known = this.#waiting.get(name);
    if (known !== undefined) return known.promise;
    let settle: (answer: Built) => void = () => undefined;
    const promise = new Promise<void>((resolve, reject) => {
      settle = ({ failed }) => (failed === undefined ? resolve() : reject(new DlserveError('BUILD_FAILED', failed)));
    });
    this.#waiting.set(name, { promise, settle });
    this.tell({ type: 'wait', name });
    return promise;
  }

  #built(answer: Built): void {
    const waiter = this.#waiting.get(answer.name);
    this.#waiting.delete(answer.name);
    waiter?.settle(answer);
  }
}

function obeyed(order: Order, plugins: PluginHost): Promise<void> {
  switch (order.type) {
    case 'demote':
      return plugins.demote(order.name, order.reason, order.fingerprint);
    case 'reload':
      return plugins.reloadChanged();
    case 'changed':
      return plugins.changed(order.name);
    case 'gone':
      return plugins.remove(order.name);
  }
}
