/** What a session needs of its surroundings. */
import type { SessionBackend } from '../backend/session-backend.js';
import type { DataSchema } from './data-schema.js';
import type { RequestForm } from './kept-form.js';

/**
 * What happens when two requests change one session at the same time. `'merge'` (default): for each top-level key the later change
 * wins, and changes of different keys are all kept. `'strict'`: the later request fails with `ERR_SESSION_CONFLICT`.
 * `'last-write-wins'`: the data of the later request replaces all.
 */
export type Concurrency = 'merge' | 'strict' | 'last-write-wins';

/** Provided by the manager: one for each request, and one for all sessions that belong to no request. */
export interface SessionContext {
  /** May be replaced by the manager, so it is read at each use. */
  readonly backend: SessionBackend;
  readonly concurrency: Concurrency;
  /** What the data must be, if anything. */
  readonly schema?: DataSchema | undefined;
  /** Throws if a new id can no longer reach the client. `isBeforeHeaders`: the headers wait for the write that asks. */
  admitNewId?(isBeforeHeaders: boolean): void;
  /** True as long as a commit is to come that can fail a response: nothing of it was sent yet. */
  readonly willCommit?: boolean;
  /** The parameters of the request. */
  readonly form?: RequestForm;
}
