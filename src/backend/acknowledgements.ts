/** The contract between a native backend and the journal of its store. */
import type { MaybePromise } from '../maybe-promise.js';

/**
 * Decides when the result of the latest write may be returned: immediately, as a value, or once the write has reached the disk, as a
 * promise. A store in memory has none. `disk/acknowledgements.ts` implements it.
 */
export interface Acknowledgements {
  /** For a create or a commit: waits until it survives what the store's durability promises. */
  saved<T>(result: T): MaybePromise<T>;
  /** For a move to a new id: waits for the disk, because the old id must not come back. */
  moved<T>(result: T): MaybePromise<T>;
  /** For the end of sessions: waits for the disk, because a logout that a crash undoes would let somebody in. */
  ended<T>(result: T): MaybePromise<T>;
  /**
   * Repeats a write that threw `error`, until there is room in the queue to the disk or the time is up. Throws `error` if it was
   * refused for any other reason.
   */
  retry<T>(error: unknown, write: () => MaybePromise<T>): Promise<T>;
}
