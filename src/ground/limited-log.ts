import type { Logger } from './log';

/** Lines of a topic that may come at once, and a second after that. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

const RATE: Rate = { burst: 50, perSecond: 10 };
/** Milliseconds between lines about what is left out. */
const PAUSE = 1000;

interface Topic {
  /** Lines that may come now. */
  allowed: number;
  /** performance.now() of the last line that came. */
  since: number;
  leftOut: number;
}

/** Lines that clients, or plugins, can cause as often as they like: of each topic some a second are logged, the others counted. */
export class LimitedLog {
  readonly #topics = new Map<string, Topic>();

  /** @param about fields of the line that says how many of a topic were left out */
  constructor(
    private readonly log: Logger,
    private readonly about: (topic: string) => object,
    private readonly rate = RATE,
  ) {}

  /**
   * @param topic what the line is about, one of a few
   * @param fields made only if the line is logged
   */
  write(level: keyof Logger, topic: string, fields: () => object, message: string): void {
    let state = this.#topics.get(topic);
    if (state === undefined) this.#topics.set(topic, (state = { allowed: this.rate.burst, since: performance.now(), leftOut: 0 }));
    if (this.#admits(state)) this.log[level](fields(), message);
    else if (state.leftOut++ === 0) setTimeout(() => this.#tell(level, topic, state), PAUSE).unref();
  }

  #admits(topic: Topic): boolean {
    const now = performance.now();
    topic.allowed = Math.min(this.rate.burst, topic.allowed + ((now - topic.since) / 1000) * this.rate.perSecond);
    topic.since = now;
    if (topic.allowed < 1) return false;
    topic.allowed--;
    return true;
  }

  #tell(level: keyof Logger, topic: string, state: Topic): void {
    const { leftOut } = state;
    state.leftOut = 0;
    this.log[level]({ ...this.about(topic), leftOut }, `${leftOut} more lines were left out: ${topic}`);
  }
}

/** Characters of what a client sent that a line of the log takes. */
const LONGEST = 256;

/** Text of a client's, or a plugin's, cut to what a line of the log takes. */
export function cut(text: string, longest = LONGEST): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}
