/** The contract between the session layer and a store, whether the sessions are in this process or across a network. */
import type { MaybePromise } from '../maybe-promise.js';
import type { KeyChanges } from './members.js';
import type { TimeoutBounds } from './presets.js';
import type { SessionInfo } from './session-info.js';
import type { Watcher } from './watchers.js';

/** What a backend knows of a session besides its contents. Instants are milliseconds since 1970, durations milliseconds. */
export interface SessionFacts {
  /**
   * What the cookie carries: 256 random bits as 43 characters of base64url, of which the first 16 are the handle and the other 27 the
   * secret. Any other form is never looked up.
   */
  readonly id: string;
  /** The public name: the same for the session's whole life, safe in logs, useless as a cookie. */
  readonly handle: string;
  /** 1 when created, incremented by each `commit` and `regenerate`. */
  readonly version: number;
  readonly createdAt: number;
  readonly lastSeenAt: number;
  /** `Infinity` for none, as in `absoluteDeadline`. */
  readonly idleTimeout: number;
  readonly absoluteDeadline: number;
  /** 0 for a guest. */
  readonly authenticatedAt: number;
  /**
   * How often the session got a new secret by a login or a `regenerate`, the first login included: 0 for a new guest, 1 for a session that began
   * with a login. What hangs on an epoch is void in the next.
   */
  readonly epoch: number;
  /** How sure the login was, 1 to 3; 0 for a guest. */
  readonly level: number;
  /** Whether the client keeps its cookie when the browser is closed. */
  readonly remembered: boolean;
}

/** A session as read from a backend. */
export interface StoredSession extends SessionFacts {
  /** `undefined` for a guest. */
  readonly uid: string | undefined;
  /** How the user logged in: names such as `pwd` and `otp`, without commas. Empty for a guest, or if the login did not say. */
  readonly methods: readonly string[];
  /** The application's data as JSON text. */
  readonly data: string;
  /** @internal Where its members lie, if the backend knows: see `Members`. */
  readonly places?: string | undefined;
  /** The form parameters that the session keeps, as JSON text; `''` if there are none. */
  readonly form: string;
}

/** The parts of a session that a write changes. Those that are `undefined` stay as they are. */
export interface SessionChange {
  /** The whole data as JSON text, in place of all that is stored. Never together with `keys`. */
  readonly data?: string | undefined;
  /**
   * Changed top-level keys of the data: pairs of a key and the JSON text of its new value, or `null` if the key is to be removed. All other keys
   * stay as they are stored by then. A list, because JSON can carry it to another process, and a key may be named `__proto__`.
   */
  readonly keys?: KeyChanges | undefined;
  /** `''` removes the parameters. */
  readonly form?: string | undefined;
  readonly idleTimeout?: number | undefined;
}

/** How sure a login is. What is `undefined` is that of a plain login: level 1, no methods, not remembered. */
export interface Assurance {
  readonly level?: number | undefined;
  readonly methods?: readonly string[] | undefined;
  readonly remembered?: boolean | undefined;
}

/** A session to be created, with the assurance of its login if it has a user. For a timeout that is `undefined` the backend uses its own. */
export interface SessionDraft extends Assurance {
  readonly data: string;
  readonly form?: string | undefined;
  readonly uid?: string | undefined;
  readonly idleTimeout?: number | undefined;
  readonly absoluteTimeout?: number | undefined;
}

/** A login: the user, and the absolute timeout that starts with it, in milliseconds; the backend's own if it is `undefined`. */
export interface SessionLogin extends Assurance {
  readonly uid: string;
  readonly absoluteTimeout?: number | undefined;
}

/** The result of a write. `conflict` carries what is stored now; `gone` is final: no call brings an ended session back. */
export type CommitOutcome =
  | { readonly status: 'ok'; readonly facts: SessionFacts }
  | { readonly status: 'conflict'; readonly current: StoredSession }
  | { readonly status: 'gone' };

/** Options of `destroyUser`. */
export interface DestroyUserOptions {
  /** The handle of the one session that goes on, such as that of the request itself: `session.handle`. Default: none does. */
  except?: string | undefined;
}

/** The timeouts of sessions that have none of their own, in milliseconds. */
export interface Timeouts {
  readonly idleTimeout: number;
  readonly guestIdleTimeout: number;
  readonly absoluteTimeout: number;
  /** True if a test moves the clock: then a short timeout is not taken for a mistake. */
  readonly isTest?: boolean;
  /** What no session goes beyond. Default: no bounds. */
  readonly bounds?: TimeoutBounds | undefined;
}

/**
 * The contract between a manager and a place where sessions are kept, which is passed as the option `store`. Every method may return a
 * value or a promise; if a backend returns values, the whole session layer is synchronous. A session whose deadline has passed is never
 * returned, whether or not it has been removed from memory; an id that the backend did not create is never adopted. Strings are returned
 * exactly as they were given.
 */
export interface SessionBackend {
  /** The timeouts of sessions that have none of their own. */
  readonly timeouts: Timeouts;
  /**
   * True if no method returns a promise: then the methods of a `Session` throw their errors. Default false: they return promises that
   * reject, whatever the error is, so that nobody has to handle both.
   */
  readonly isSynchronous?: boolean;
  /** The time that deadlines are compared with, in milliseconds since 1970; never a promise. */
  now(): number;
  /** Reads a session and makes it the most recently used; with `touch` also records activity. */
  load(id: string, touch: boolean): MaybePromise<StoredSession | undefined>;
  /**
   * Stores a new session under a new random id; overwrites nothing. With `uid` it is a login: a backend that limits the sessions of a user
   * ends one of them or fails with `ERR_SESSION_LIMIT`, in the same step and without writing anything; so does `regenerate` with `login`,
   * unless the session is that user's already.
   */
  create(draft: SessionDraft): MaybePromise<SessionFacts>;
  /**
   * Writes a change that was made to `version`; if that is `undefined`, to whichever version is stored. Atomic: of several commits from one
   * version exactly one succeeds. Counts as activity.
   */
  commit(id: string, version: number | undefined, change: SessionChange): MaybePromise<CommitOutcome>;
  /**
   * As `commit`, and in the same step gives the session a new secret, so that every older id of it is void; with `login`, as that user's:
   * it sets `authenticatedAt`, level, methods and whether it is remembered, sets the user's idle timeout unless the change has one, and starts the absolute timeout again. A login as
   * another user ends the session instead, whatever its version, and stores a new one with a new handle, which has what the change contains
   * and nothing of the old one.
   *
   * With `alone`, in the same step all other sessions of the user end, as by `destroyUser`; it is only passed to a backend that has that method.
   */
  regenerate(
    id: string,
    version: number | undefined,
    change: SessionChange,
    login?: SessionLogin,
    alone?: boolean,
  ): MaybePromise<CommitOutcome>;
  /** Records activity and, if `idleTimeout` is given, sets the session's own; the version does not change. False if there is none. */
  touch(id: string, idleTimeout?: number): MaybePromise<boolean>;
  /** Ends the session of a handle, whatever secret it has by now. False if there is none. */
  destroy(handle: string, reason: 'destroy' | 'logout'): MaybePromise<boolean>;
  /**
   * The key of the tokens that sessions hand out, 32 random bytes: the same in every process over these sessions, and for as long as they live.
   * Without it, `session.csrfToken()` is not available.
   */
  readonly tokenKey?: Uint8Array | undefined;
  /**
   * Lists the live sessions of a user, last seen first. User ids are compared exactly, character by character. Without this method
   * `manager.sessionsOf` fails.
   */
  sessionsOf?(uid: string): MaybePromise<readonly SessionInfo[]>;
  /**
   * Ends the sessions of a user, but not the one with the handle `except`, and returns how many. When it has answered, each session that had
   * begun before it was called is gone for good. Without this method `manager.destroyUser` fails.
   */
  destroyUser?(uid: string, except?: string): MaybePromise<number>;
  /** Makes a function that reads straight from a `Cookie` header. Without it, `load` is called for each id in the header. */
  cookieReader?(name: string): CookieLookup;
  /**
   * Tells `watcher` when the session of a handle ends or gets a new id, whoever does it. Holds it weakly, or until the session ends if
   * `isHeld`. Returns a function that ends this. Without this method `session.signal` knows only what its own session object does.
   */
  watch?(handle: string, watcher: Watcher, isHeld: boolean): () => void;
}

/** Finds the one live session that a raw `Cookie` header names; with `touch` also records activity. */
export type CookieLookup = (header: string, touch: boolean) => MaybePromise<StoredSession | undefined>;
