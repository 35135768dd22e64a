/** The parts of sessions that an operator may see, and the figures of a store. */
import type { NativeStats } from '../native.js';
import { GUEST } from '../backend/ids.js';
import { rangeError, typeError } from '../options.js';

/** A session without its id and its data. Instants are milliseconds since 1970. */
export interface SessionInfo {
  /** For `destroyByHandle`. */
  readonly handle: string;
  /** `'Guest'` for a guest. */
  readonly uid: string;
  /** 1 when created, incremented by each write. */
  readonly version: number;
  readonly createdAt: number;
  readonly lastSeenAt: number;
  /** Milliseconds; `Infinity` for no limit. */
  readonly idleTimeout: number;
  /** `Infinity` for none. */
  readonly absoluteDeadline: number;
  /** `undefined` for a guest. */
  readonly authenticatedAt: number | undefined;
  /** Its memory, including bookkeeping. */
  readonly bytes: number;
}

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

type Value = string | number | null;
type Row = [string, string | null, number, number, number, number, number, number, number];
const VALUES_PER_SESSION = 9;
const MAX_SLOT = 2 ** 32 - 1;

/** The page in a flat array from the addon. */
export function pageOf(values: readonly Value[]): SessionPage {
  const sessions: SessionInfo[] = [];
  for (let at = 1; at < values.length; at += VALUES_PER_SESSION) {
    sessions.push(infoOf(values.slice(at, at + VALUES_PER_SESSION) as Row));
  }
  return { sessions, next: values[0] === null ? undefined : String(values[0]) };
}

/** The slot that a cursor stands for. @throws TypeError, RangeError for what is no cursor. */
export function slotOf(cursor: unknown): number {
  const expected = 'pass the `next` of the page before';
  if (typeof cursor !== 'string') throw typeError('cursor', cursor, expected);
  const slot = Number(cursor);
  if (!/^\d{1,10}$/.test(cursor) || slot > MAX_SLOT) throw rangeError('cursor', cursor, expected);
  return slot;
}

function infoOf(row: Row): SessionInfo {
  const [handle, uid, version, createdAt, lastSeenAt, idleTimeout, absoluteDeadline, authenticatedAt, bytes] = row;
  return {
    handle,
    uid: uid ?? GUEST,
    version,
    createdAt,
    lastSeenAt,
    idleTimeout,
    absoluteDeadline,
    authenticatedAt: uid === null ? undefined : authenticatedAt,
    bytes,
  };
}
