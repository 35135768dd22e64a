/** What the session layer needs of a store, wherever the sessions are: in this process or across a network. */
import type { MaybePromise } from '../maybe-promise.js';

/** What a backend knows of a session besides its contents. Instants are milliseconds since 1970, durations milliseconds. */
export interface SessionFacts {
  /** The secret that the cookie carries: 256 random bits as 43 characters of base64url. Any other form is never looked up. */
  readonly id: string;
  /** The public name: safe in logs, of no use as a cookie. */
  readonly handle: string;
  /** 1 when created, one more at each commit. */
  readonly version: number;
  readonly createdAt: number;
  readonly lastSeenAt: number;
  /** `Infinity` for no end, as the absolute deadline. */
  readonly idleTimeout: number;
  readonly absoluteDeadline: number;
  /** 0 for a guest. */
  readonly authenticatedAt: number;
}

/** A session as read from a backend. */
export interface StoredSession extends SessionFacts {
  /** `undefined` for a guest. */
  readonly uid: string | undefined;
  /** The application's data as JSON text. */
  readonly data: string;
  /** The kept form parameters as JSON text, `''` when there are none. */
  readonly form: string;
}

/** What is written. Parts that are `undefined` stay as they are. */
export interface SessionChange {
  readonly data?: string | undefined;
  /** `''` forgets the parameters. */
  readonly form?: string | undefined;
  readonly idleTimeout?: number | undefined;
}

/** A session to be created. Timeouts that are `undefined` are the backend's own. */
export interface SessionDraft {
  readonly data: string;
  readonly form?: string | undefined;
  readonly uid?: string | undefined;
  readonly idleTimeout?: number | undefined;
  readonly absoluteTimeout?: number | undefined;
}

/** What became of a write. `conflict` carries what is stored now; `gone` is final: the session ended. */
export type CommitOutcome =
  | { readonly status: 'ok'; readonly facts: SessionFacts }
  | { readonly status: 'conflict'; readonly current: StoredSession }
  | { readonly status: 'gone' };

/** The timeouts of sessions that were given none, in milliseconds. */
export interface Timeouts {
  readonly idleTimeout: number;
  readonly guestIdleTimeout: number;
  readonly absoluteTimeout: number;
}

/**
 * The contract. Every method may answer a value or a promise; a backend that answers values keeps the whole session layer
 * synchronous. A dead session is never answered, whether or not it has been swept away.
 */
export interface SessionBackend {
  readonly timeouts: Timeouts;
  /** The time by which the backend judges deadlines. */
  now(): number;
  /** Reads a session and makes it the most recently used; with `touch` also notes activity. */
  load(id: string, touch: boolean): MaybePromise<StoredSession | undefined>;
  /** Stores a new session under a new random id. */
  create(draft: SessionDraft): MaybePromise<SessionFacts>;
  /** Writes a change made from `version`; `undefined` for whichever is stored. */
  commit(id: string, version: number | undefined, change: SessionChange): MaybePromise<CommitOutcome>;
  /** As `commit`, and moves the session to a new random id; with `uid`, as that user's, logged in now. */
  regenerate(id: string, version: number | undefined, change: SessionChange, uid?: string): MaybePromise<CommitOutcome>;
  /** Notes activity and, if given, sets the session's own idle timeout. */
  touch(id: string, idleTimeout?: number): MaybePromise<boolean>;
  destroy(id: string, reason: 'destroy' | 'logout'): MaybePromise<boolean>;
  /** Reads straight from a `Cookie` header. A backend without it is asked for each id that the header brings. */
  cookieReader?(name: string): CookieLookup;
}

/** Finds the one live session that a raw `Cookie` header names; with `touch` notes activity. */
export type CookieLookup = (header: string, touch: boolean) => MaybePromise<StoredSession | undefined>;
