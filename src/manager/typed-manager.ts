/** The class `SessionManager` as applications see it: its store has the type that its options say. */
import type { DefaultSessionData } from '../data.js';
import type { SessionBackend } from '../backend/session-backend.js';
import type { DurableSessionStore } from '../store/durable-session-store.js';
import type { SessionStore } from '../store/session-store.js';
import type { SessionOptions } from './options.js';
import { SessionManager as Manager, type AnyStore } from './session-manager.js';

/** Options with which a manager makes its own store on disk. */
export type OnDisk = SessionOptions & { path: string | URL; store?: undefined };
/** Options with which a manager makes its own store in memory. */
export type InMemory = SessionOptions & { path?: undefined; store?: undefined };
/** Options with which a manager uses a store that is there already. */
export type Over<Store> = SessionOptions & { store: Store };

/** Makes managers. `manager.ready` and `manager.store` have the type of the store that the options say. */
export interface SessionManagerConstructor {
  /** A manager with a store on disk of its own. @throws TypeError, RangeError for a wrong option. */
  new <Data extends object = DefaultSessionData>(
    options: OnDisk,
  ): SessionManager<Data, DurableSessionStore<Data>, DurableSessionStore<Data> | undefined>;
  /** A manager over an opened store on disk. @throws TypeError, RangeError for a wrong option. */
  new <Data extends object = DefaultSessionData>(
    options: Over<DurableSessionStore<Data>>,
  ): SessionManager<Data, DurableSessionStore<Data>>;
  /** A manager over a store in memory. @throws TypeError, RangeError for a wrong option. */
  new <Data extends object = DefaultSessionData>(
    options: Over<SessionStore<Data>>,
  ): SessionManager<Data, SessionStore<Data>>;
  /** A manager over a backend of your own. @throws TypeError, RangeError for a wrong option. */
  new <Data extends object = DefaultSessionData>(options: Over<SessionBackend>): SessionManager<Data, undefined>;
  /** A manager with a store in memory of its own. @throws TypeError, RangeError for a wrong option. */
  new <Data extends object = DefaultSessionData>(options?: InMemory): SessionManager<Data, SessionStore<Data>>;
  /** A manager of which only the program that runs knows where its sessions are. @throws TypeError, RangeError for a wrong option. */
  new <Data extends object = DefaultSessionData>(options: SessionOptions): SessionManager<Data>;
  readonly prototype: SessionManager;
}

/** The sessions of HTTP requests. `Ready` is what `manager.ready` resolves with, `Store` what `manager.store` is until then. */
export type SessionManager<
  Data extends object = DefaultSessionData,
  Ready extends AnyStore | undefined = AnyStore | undefined,
  Store extends Ready | undefined = Ready,
> = Manager<Data, Ready, Store>;

/**
 * Loads the session of a request, and commits it before the response's headers are sent. What is synchronous in the store is
 * synchronous here: over a `SessionStore` no method waits, over a `DurableSessionStore` only the methods that write do.
 */
export const SessionManager: SessionManagerConstructor = Manager as SessionManagerConstructor;
