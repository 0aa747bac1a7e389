/** What a system says that has no more of something for now: descriptors, memory, processes. */
const CODES: ReadonlySet<unknown> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'ENOBUFS']);
/** The same in the words of its loader, which has no codes. */
const WORDS = /Too many open files|Cannot allocate memory|Resource temporarily unavailable/;
/** The errors that may have those. */
const OF_LOADER: ReadonlySet<unknown> = new Set(['ERR_DLOPEN_FAILED', 'LOAD_FAILED', 'UNSUPPORTED_PLATFORM']);

/** Whether something failed, or what caused it, because the system was short of something: that may pass. */
export function isShortage(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (CODES.has(code) || (OF_LOADER.has(code) && WORDS.test(message))) return true;
  }
  return false;
}
