/** The pages of the list of all sessions, and the figures of a store. */
import { infosOf, type SessionInfo } from '../backend/session-info.js';
import type { NativeStats } from '../native.js';
import { rangeError, typeError } from '../options.js';

/** Some sessions, and the cursor of the next page. A page may be short, even empty, although there is a `next`. */
export interface SessionPage {
  readonly sessions: readonly SessionInfo[];
  /** The `cursor` of the next page; `undefined` on the last one. */
  readonly next: string | undefined;
}

/**
 * What a store contains, and its counters since it was opened.
 *
 * - `sessions`, `guests`, `users`, `bytes`: what it contains now.
 * - `created`, `committed`, `conflicts`, `regenerated`: writes.
 * - `destroyed`, `expired`, `evicted`: how sessions ended.
 * - `hits`, `misses`: lookups that found a live session, and those that did not.
 * - `rejected`: `Cookie` headers with our cookie, but with no live session or more than one.
 * - `eventsDropped`: events that were dropped because a listener was too slow.
 */
export type SessionStoreStats = Readonly<NativeStats> & {
  /** Sessions of logged-in users. */
  readonly users: number;
};

const MAX_SLOT = 2 ** 32 - 1;

/** The page in a flat array from the addon. */
export function pageOf(values: readonly (string | number | null)[]): SessionPage {
  return { sessions: infosOf(values, 1), next: values[0] === null ? undefined : String(values[0]) };
}

/** The slot that a cursor stands for. @throws TypeError, RangeError for what is no cursor. */
export function slotOf(cursor: unknown): number {
  const expected = 'pass the `next` of the page before';
  if (typeof cursor !== 'string') throw typeError('cursor', cursor, expected);
  const slot = Number(cursor);
  if (!/^\d{1,10}$/.test(cursor) || slot > MAX_SLOT) throw rangeError('cursor', cursor, expected);
  return slot;
}
