import { DlserveError } from '../../ground/errors';
import type { Exchange } from '../../plugin/exchange';
import { blameOf, Retries, type Blame } from './blame';
import { goneWith, lossError } from './deaths';
import type { Elastic } from './elastic';
import type { Health } from './health';
import type { SupervisedKeys } from './keys';
import type { PoolUser } from './pool-user';
import type { Rest } from './rest';
import { failAll } from './settling';
import type { Shortage } from './shortage';
import type { Staff } from './staff';
import type { Death, Worker } from './worker';

/** What the end of a worker can have to do with. */
export interface AftermathParts {
  readonly staff: Staff;
  readonly health: Health;
  readonly rest: Rest;
  readonly elastic: Elastic;
  readonly shortage: Shortage;
  readonly user: PoolUser;
  /** Calls that have not begun wait again. */
  readonly takeBack: (exchanges: readonly Exchange[]) => void;
  /** @param delay milliseconds until the next worker starts */
  readonly restartSoon: (delay: number) => void;
}

/** What becomes of its calls, and of the plugin, when a worker of an open plugin has died. */
export class Aftermath {
  readonly #retries: Retries;

  constructor(
    keys: SupervisedKeys,
    private readonly parts: AftermathParts,
  ) {
    this.#retries = new Retries(keys.retry);
  }

  /**
   * @param isClosed whether no worker follows
   * @returns calls that were inside and are made again
   */
  of(worker: Worker, death: Death, isClosed: boolean): readonly Exchange[] {
    const { user } = this.parts;
    const blame = blameOf(death);
    const again = isClosed ? [] : this.#retries.of(blame);
    user.takeBack([...again, ...death.waiting]);
    failAll([...death.executing, ...death.kept].filter((exchange) => !again.includes(exchange)), (exchange) => lossError(exchange, death));
    if (isClosed) user.refuse(() => new DlserveError('STOPPING'));
    else if (!death.stopped) this.#judge(worker, death, blame, again);
    // What was taken back need not wait for the next one to open, if another has room.
    user.hasRoom();
    return again;
  }

  #judge(worker: Worker, death: Death, blame: Blame, again: readonly Exchange[]): void {
    const { staff, health, rest, elastic, shortage, user, takeBack, restartSoon } = this.parts;
    shortage.end();
    const isAlone = !staff.isOpen;
    const rests = health.judge(blame, goneWith(death, again), worker.served > 0, isAlone);
    if (death.refusal !== null && !isAlone) elastic.refused();
    if (rests.plugin) {
      user.refuse(() => health.pluginRests());
      rest.begin();
      return;
    }
    if (rests.handler) for (const other of staff.workers) user.takeBack(other.reclaim());
    takeBack([]);
    // What a call has done to its process must cost no other one the time of a pause.
    restartSoon(blame.isExplained ? 0 : health.delay);
  }
}
