/** The parts of sessions that an operator may see, and the figures of a store. */
import type { NativeStats } from '../native.js';
import { GUEST } from '../backend/ids.js';

/** A session without its id and its data. Instants are milliseconds since 1970. */
export interface SessionInfo {
  readonly handle: string;
  readonly uid: string;
  readonly version: number;
  readonly createdAt: number;
  readonly lastSeenAt: number;
  readonly idleTimeout: number;
  readonly absoluteDeadline: number;
  /** `undefined` for a guest. */
  readonly authenticatedAt: number | undefined;
  /** Its memory, including bookkeeping. */
  readonly bytes: number;
}

/** Some sessions, and the handle after which the next page begins. A page may be short, even empty, although there is a `next`. */
export interface SessionPage {
  readonly sessions: readonly SessionInfo[];
  readonly next: string | undefined;
}

/** What a store contains, and its counters since it was opened. */
export type SessionStoreStats = Readonly<NativeStats> & {
  /** Sessions of logged-in users. */
  readonly users: number;
};

type Value = string | number | null;
type Row = [string, string | null, number, number, number, number, number, number, number];
const VALUES_PER_SESSION = 9;

/** The page in a flat array from the addon. */
export function pageOf(values: readonly Value[]): SessionPage {
  const sessions: SessionInfo[] = [];
  for (let at = 1; at < values.length; at += VALUES_PER_SESSION) {
    sessions.push(infoOf(values.slice(at, at + VALUES_PER_SESSION) as Row));
  }
  return { sessions, next: (values[0] as string | null) ?? undefined };
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
