/**
 * What a plugin is doing, in one word, the same in log, events and API:
 *
 *     found      its file is there, nobody has asked for it
 *     building   its source is being compiled
 *     opening    it is being loaded and initialised
 *     ready      it answers
 *     degraded   it answers, and not as it should: what was to replace it can't be opened, or it had to be put in a process
 *     resting    it has crashed too often, and is left alone for a while
 *     failed     it could not be built or opened; the next request tries again
 *     draining   it finishes what it has, and takes nothing new
 *     stopped    it is closed
 */
export type State = 'found' | 'building' | 'opening' | 'ready' | 'degraded' | 'resting' | 'failed' | 'draining' | 'stopped';
