/** The parts of a session that an operator or its own user may see. */
import { GUEST } from './ids.js';

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
  /** When it expires unless there is activity; `Infinity` for never. */
  readonly idleDeadline: number;
  /** How sure the login was, 1 to 3; 0 for a guest. */
  readonly level: number;
  /** Whether the client keeps its cookie when the browser is closed. */
  readonly remembered: boolean;
  /** Its memory, including bookkeeping; in a backend of your own what that counts. */
  readonly bytes: number;
}

type Value = string | number | null;
type Row = [string, string | null, number, number, number, number, number, number, number, number, number];
const VALUES_PER_SESSION = 11;

/** The sessions in a flat array from the addon, which begin at `start`. */
export function infosOf(values: readonly Value[], start: number): SessionInfo[] {
  const sessions: SessionInfo[] = [];
  for (let at = start; at < values.length; at += VALUES_PER_SESSION) {
    sessions.push(infoOf(values.slice(at, at + VALUES_PER_SESSION) as Row));
  }
  return sessions;
}

function infoOf(row: Row): SessionInfo {
  const [handle, uid, version, createdAt, lastSeenAt, idleTimeout, absoluteDeadline, authenticatedAt, ...rest] = row;
  const [bytes, level, remembered] = rest;
  return {
    handle,
    uid: uid ?? GUEST,
    version,
    createdAt,
    lastSeenAt,
    idleTimeout,
    absoluteDeadline,
    authenticatedAt: uid === null ? undefined : authenticatedAt,
    idleDeadline: lastSeenAt + idleTimeout,
    level,
    remembered: remembered === 1,
    bytes,
  };
}
