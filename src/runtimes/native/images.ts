import { DlserveError } from '../../ground/errors';
import { inTime, type Conditions } from '../../ground/waiting';
import type { Exchange } from '../../plugin/exchange';
import type { Handlers } from '../../plugin/handlers';
import { routesOf, type Declared, type PluginRoute } from '../../plugin/route';
import { openLimit, type Instance, type PluginFile } from '../../plugin/runtime';
import { setBodyModes, type SaidBodies } from './bodies';
import type { NativeSource } from './keys';
import type { LoadedLibrary } from './loaded-library';
import { StillRuns } from './loader';
import { stillRuns, type Stuck } from './stuck';

/** A library in this process, opened for one host; for more only where no private copy could be made, and they have the same file. */
interface Image {
  readonly source: NativeSource;
  readonly opener: Opener;
  readonly tenants: Set<Tenant>;
  readonly opening: Promise<CheckedImage>;
  /** While it is closed; what comes next opens it anew. */
  closing: Promise<void> | undefined;
  /** Other threads of the process can't have it. */
  isClaimed: boolean;
  /** Nobody can have it now: code of it runs that nobody can end. */
  stuck: Stuck | undefined;
}

/** An instance of which one host may let go while others keep it. */
export interface SharedInstance extends Omit<Instance, 'routes' | 'title'> {
  /** Something has come back. */
  readonly conditions: Conditions;
  /** Settles calls with STOPPING that have not come back in time; those that run are left to themselves, and the log says so. */
  giveUp(exchanges: readonly Exchange[]): void;
  /** Resolves once it is closed and nothing that was given up runs any more: with close(), or later, or never. */
  readonly gone: Promise<void>;
}

/** What opening a library comes to. */
export interface OpenImage {
  readonly instance: SharedInstance;
  readonly library: LoadedLibrary;
  /** What the library says of itself; undefined where it says nothing. */
  readonly declared: Declared | undefined;
  readonly bodies: SaidBodies;
  /** Whether a request's body can come while its handler runs. */
  readonly streams: boolean;
}

/** How libraries are opened, and who among the threads of this process may. */
export interface Opener {
  /** Opens a library; its log and observer are those of whoever uses it. */
  open(source: NativeSource): Promise<OpenImage>;
  /** Makes this JavaScript thread the owner of a library; false where another one is. */
  claim(identity: string): boolean;
  unclaim(identity: string): void;
}

/** One whose routes are in order. */
type CheckedImage = OpenImage & Pick<Instance, 'routes' | 'title'>;

/** Every library that is open in this process, or is still initialised because it has no PluginStop. */
const images: Image[] = [];

/**
 * Opens a library in this very process. The system maps a file once, under whatever names and for however many hosts, so it has
 * one owner: they share an instance, or can't have it both.
 * @throws DlserveError LOAD_FAILED where it is open with other settings or in another thread, UNAVAILABLE, LOAD_FAILED or INIT_FAILED
 * where it still runs and nobody can end it, and what opening it throws
 */
export async function openShared(source: NativeSource, opener: Opener): Promise<Instance> {
  for (;;) {
    const image = find(source.file);
    if (image === undefined) return admit(newImage(source, opener), source);
    if (image.stuck !== undefined) throw stillRuns(image.stuck, source);
    if (image.closing !== undefined) {
      await image.closing;
    } else {
      await checkSame(image, source);
      // Its last host may have left meanwhile.
      if (isOpen(image)) return admit(image, source);
    }
  }
}

function isOpen(image: Image): boolean {
  return image.closing === undefined && image.stuck === undefined && images.includes(image);
}

/** The system knows a library by its path, too, when another file stands there by now. */
function find({ identity, path }: PluginFile): Image | undefined {
  return images.find(({ source: { file } }) => file.identity === identity || file.path === path);
}

/** @throws DlserveError LOAD_FAILED where the two differ in what is inside the library */
async function checkSame({ source: first, opening, tenants }: Image, source: NativeSource): Promise<void> {
  const { library } = await opening;
  const inside = ({ settings: { mode, concurrency, config, own } }: NativeSource): string =>
    JSON.stringify([mode, concurrency, own.ownsymbols, library.hasInit ? config : null]);
  if (inside(first) === inside(source)) return;
  const reason =
    tenants.size > 0
      ? `it is the same file as ${first.file.base}, which is open with another mode, concurrency or config; make these the same,`
      : 'it was open with another mode, concurrency or config, and is still initialised with that, having no PluginStop; give it one,';
  throw new DlserveError('LOAD_FAILED', { library: source.file.base, reason: `${reason} copy the file, or use mode "process"` });
}

/** @throws DlserveError LOAD_FAILED where it belongs to another thread */
function newImage(source: NativeSource, opener: Opener): Image {
  const { base, identity } = source.file;
  if (!opener.claim(identity)) {
    const reason = 'another thread of this process has it open, or ended with it open; copy the file, or use mode "process"';
    throw new DlserveError('LOAD_FAILED', { library: base, reason });
  }
  const tenants = new Set<Tenant>();
  // It speaks to whoever uses it now: the log is that of the last who came.
  const shared: NativeSource = {
    ...source,
    get log() {
      return [...tenants].at(-1)?.source.log ?? source.log;
    },
    observer: {
      resting: (isResting) => tenants.forEach((tenant) => tenant.source.observer.resting(isResting)),
      fault: (fault) => tenants.forEach((tenant) => tenant.source.observer.fault(fault)),
    },
  };
  const image: Image = { source, opener, tenants, opening: opener.open(shared).then((open) => checked(open, shared)), closing: undefined, isClaimed: true, stuck: undefined };
  images.push(image);
  image.opening.then(
    // It has no owner that could mind.
    ({ library }) => {
      if (library.isReentrant) unclaim(image);
    },
    (error: unknown) => {
      if (!(error instanceof DlserveError && error.cause instanceof StillRuns)) {
        forget(image);
        return;
      }
      image.stuck = error.code === 'INIT_FAILED' ? 'init' : 'constructors';
      void error.cause.end.then(() => forget(image));
    },
  );
  return image;
}

/** @throws DlserveError LOAD_FAILED where its routes or body modes are not in order; it is closed then */
async function checked(open: OpenImage, { file, handlers, settings }: NativeSource): Promise<CheckedImage> {
  const { instance, declared, bodies, streams } = open;
  try {
    setBodyModes(handlers, bodies, file.base, streams);
    if (declared === undefined) return { ...open, routes: [], title: undefined };
    const routes = routesOf(declared, file.base, (symbol) => handlers.bySymbol(symbol) !== undefined);
    return { ...open, routes, title: declared.title || undefined };
  } catch (refusal) {
    await instance.close(openLimit(settings));
    if (await inTime(instance.gone, 0)) throw refusal;
    const { code, details } = refusal as DlserveError;
    throw new DlserveError(code, details, { cause: new StillRuns(instance.gone) });
  }
}

async function admit(image: Image, source: NativeSource): Promise<Instance> {
  // Entered before it is open, so that nobody who leaves meanwhile takes it along.
  const tenant = new Tenant(image, source);
  image.tenants.add(tenant);
  try {
    tenant.opened(await image.opening);
    return tenant;
  } catch (error) {
    image.tenants.delete(tenant);
    throw error;
  }
}

function unclaim(image: Image): void {
  if (!image.isClaimed) return;
  image.isClaimed = false;
  image.opener.unclaim(image.source.file.identity);
}

function forget(image: Image): void {
  const place = images.indexOf(image);
  if (place !== -1) images.splice(place, 1);
  unclaim(image);
}

/** One host's share of an image. */
class Tenant implements Instance {
  readonly processes = [];
  routes: readonly PluginRoute[] = [];
  title: string | undefined;
  #instance!: SharedInstance;
  #closed: Promise<void> | undefined;

  constructor(
    private readonly image: Image,
    readonly source: NativeSource,
  ) {}

  opened({ instance, routes, title }: CheckedImage): void {
    this.#instance = instance;
    this.routes = routes;
    this.title = title;
  }

  get handlers(): Handlers {
    return this.#instance.handlers;
  }

  get capacity(): number {
    return this.#instance.capacity;
  }

  get outstanding(): number {
    return this.#instance.outstanding;
  }

  pending(): Exchange[] {
    return this.#instance.pending().filter(({ callee }) => callee === this);
  }

  call(exchange: Exchange): void {
    if (this.#closed !== undefined) {
      exchange.fail(new DlserveError('STOPPING'));
      return;
    }
    exchange.callee = this;
    this.#instance.call(exchange);
  }

  begunAt(exchange: Exchange): number | undefined {
    return this.#instance.begunAt(exchange);
  }

  expire(exchange: Exchange): void {
    this.#instance.expire(exchange);
  }

  withdraw(exchange: Exchange): boolean {
    return this.#instance.withdraw(exchange);
  }

  close(limit: number): Promise<void> {
    this.#closed ??= this.#close(limit);
    return this.#closed;
  }

  /** The last one out closes it. What was initialised and can't be told to stop stays as it is, for whoever opens it next. */
  async #close(limit: number): Promise<void> {
    const end = performance.now() + limit;
    const { image } = this;
    const { library } = await image.opening;
    const stays = library.hasInit && !library.canStop;
    if (stays || image.tenants.size > 1) await this.#finish(limit);
    if (stays || image.tenants.size > 1) {
      image.tenants.delete(this);
      if (image.tenants.size === 0) this.#awaitCalls();
      return;
    }
    image.closing = this.#closeInstance(end);
    await image.closing;
  }

  /** Nobody else comes in before the calls have come back that were given up: they hold the threads. */
  #awaitCalls(): void {
    const { image } = this;
    const { conditions } = this.#instance;
    const isIdle = (): boolean => this.#instance.outstanding === 0;
    if (isIdle()) return;
    image.stuck = 'rest';
    void conditions.until(isIdle, Infinity).then(() => (image.stuck = undefined));
  }

  /** The library has an owner for as long as something runs in it. */
  async #closeInstance(end: number): Promise<void> {
    const { image } = this;
    const gone = this.#instance.gone.then(() => forget(image));
    try {
      await this.#instance.close(Math.max(end - performance.now(), 0));
    } finally {
      if (!(await inTime(gone, 0))) image.stuck = 'rest';
    }
  }

  /** Waits for the calls that are its own, and gives up those that don't end. */
  async #finish(limit: number): Promise<void> {
    if (!(await this.#instance.conditions.until(() => this.pending().length === 0, limit))) this.#instance.giveUp(this.pending());
  }
}
