/** How a handler takes a request's body: DLSERVE_BODY_ of native/include/dlserve.h. */
export const BodyMode = {
  /** As text in the JSON, and raw. */
  TEXT: 0,
  /** Raw alone. */
  RAW: 1,
  /** Not at all: it is read and dropped. */
  NONE: 2,
  /** In parts, while the handler runs. */
  STREAM: 3,
} as const;

export type BodyMode = (typeof BodyMode)[keyof typeof BodyMode];

/** One handler of a plugin. */
export interface Handler {
  /** `GETHelloHandler` */
  readonly symbol: string;
  /** Its place among the handlers of its plugin, by which a runtime knows it. */
  readonly index: number;
  /** What the plugin itself says of it once it is open. */
  body: BodyMode;
}

/** The handlers of one func: one for each method. */
export class Methods {
  readonly #byMethod = new Map<string, Handler>();
  #allow: string | undefined;

  set(method: string, handler: Handler): void {
    this.#byMethod.set(method, handler);
    this.#allow = undefined;
  }

  /** The handler that answers a method: HEAD is answered by that of GET where it has none of its own. */
  get(method: string): Handler | undefined {
    return this.#byMethod.get(method) ?? (method === 'HEAD' ? this.#byMethod.get('GET') : undefined);
  }

  /** The methods that have a handler of their own. */
  get names(): string[] {
    return [...this.#byMethod.keys()];
  }

  /** The value of an Allow header. */
  get allow(): string {
    this.#allow ??= [...new Set([...this.names, ...(this.#byMethod.has('GET') ? ['HEAD'] : []), 'OPTIONS'])].sort().join(', ');
    return this.#allow;
  }
}

/** The handlers of a plugin. */
export class Handlers {
  readonly #byFunc = new Map<string, Methods>();
  readonly #symbols: string[] = [];
  readonly #bySymbol = new Map<string, Handler>();
  readonly #lookalikes = new Map<string, string>();
  /** The plugin says its routes itself once it is open, so it is opened when the server starts: nobody could ask for it before. */
  declaresRoutes = false;

  /** Adds a handler; its index is the next one. */
  add(method: string, func: string, symbol: string): void {
    let methods = this.#byFunc.get(func);
    if (methods === undefined) this.#byFunc.set(func, (methods = new Methods()));
    methods.set(method, this.addFunction(symbol));
  }

  /** Adds a function that routes may lead to, and no func does; its index is the next one. */
  addFunction(symbol: string): Handler {
    const handler: Handler = { symbol, index: this.#symbols.push(symbol) - 1, body: BodyMode.TEXT };
    this.#bySymbol.set(symbol, handler);
    return handler;
  }

  /** The handler of a symbol, for routes. */
  bySymbol(symbol: string): Handler | undefined {
    return this.#bySymbol.get(symbol);
  }

  /**
   * Notes what a person may take for a handler, and what is none.
   * @param why the end of a sentence that begins with its symbol: "is data, not a function"
   */
  addLookalike(symbol: string, why: string): void {
    this.#lookalikes.set(symbol, why);
  }

  /** The handlers of one func. */
  get(func: string): Methods | undefined {
    return this.#byFunc.get(func);
  }

  /** All funcs that have handlers. */
  get funcs(): string[] {
    return [...this.#byFunc.keys()];
  }

  /** The symbols of all handlers, and of the functions that routes may lead to, by index. */
  get symbols(): readonly string[] {
    return this.#symbols;
  }

  /** What is named like a handler and is none: by symbol, why not. */
  get lookalikes(): ReadonlyMap<string, string> {
    return this.#lookalikes;
  }
}
