import type { Operation } from '../../host/services/state/operation';
import type { State } from '../../host/services/state/state';
import type { Answer } from '../../plugin/services';
import type { AskState, StateAnswer } from './ipc';

/** The state of all server processes, which the primary has: it outlives each of them. */
export class RemoteState implements State {
  readonly #asking = new Map<number, (answer: Answer) => void>();
  #number = 0;

  constructor(private readonly tell: (message: AskState) => void) {}

  apply(plugin: string, operation: Operation): Promise<Answer> {
    return new Promise((resolve) => {
      const number = ++this.#number;
      this.#asking.set(number, resolve);
      this.tell({ type: 'ask-state', number, plugin, operation });
    });
  }

  heard({ number, answer }: StateAnswer): void {
    this.#asking.get(number)?.(answer);
    this.#asking.delete(number);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
