/** The class `SessionManager` as applications see it: its store has the type that its options say. */
import type { DefaultSessionData, Validated } from '../data.js';
import type { SessionBackend } from '../backend/session-backend.js';
import type { DurableSessionStore } from '../store/durable-session-store.js';
import type { SessionStore } from '../store/session-store.js';
import type { OnInvalid } from '../session/data-schema.js';
import type { SchemaInput, SchemaOutput, StandardSchema } from '../standard-schema.js';
import type { ManagerOptions, SessionOptions } from './options.js';
import { SessionManager as Manager, type AnyStore } from './session-manager.js';

/** Options with which a manager makes its own store on disk. */
export type OnDisk = ManagerOptions & { path: string | URL; store?: undefined };
/** Options with which a manager makes its own store in memory. */
export type InMemory = ManagerOptions & { path?: undefined; store?: undefined };
/** Options with which a manager uses a store that is there already. */
export type Over<Store> = ManagerOptions & { store: Store };

/** Any options, if the type of the data is given. */
export type Given<Data> = [Data] extends [never] ? never : SessionOptions;

/** A schema of session data, if there is one. */
export type AnySchema = StandardSchema<unknown, object> | undefined;
/** The options of a schema, by its type. */
export interface SchemaOptions<Schema extends AnySchema> {
  data?: Schema;
  onInvalid?: OnInvalid<SchemaInput<Schema>>;
}
/** What a schema makes of data; `Otherwise` if there is none, or nothing is known of it. */
type OutputOr<Schema, Otherwise> = [Schema] extends [StandardSchema<unknown, object>]
  ? keyof SchemaOutput<Schema> extends never
    ? Otherwise
    : SchemaOutput<Schema> & object
  : Otherwise;
/** The type of what is stored: with a schema what that makes of it. */
export type StoredOf<Data extends object, Schema> = OutputOr<Schema, Data>;
/** The type of the data of sessions. */
export type DataOf<Data extends object, Schema> =
  OutputOr<Schema, never> extends never ? Data : Validated<OutputOr<Schema, Data>>;

/** Makes managers. `manager.ready` and `manager.store` have the type of the store that the options say. */
export interface SessionManagerConstructor {
  /** A manager with a store on disk of its own. @throws TypeError, RangeError for a wrong option. */
  new <Data extends object = DefaultSessionData, Schema extends AnySchema = undefined>(
    options: OnDisk & SchemaOptions<Schema>,
  ): SessionManager<
    DataOf<Data, Schema>,
    DurableSessionStore<StoredOf<Data, Schema>>,
    DurableSessionStore<StoredOf<Data, Schema>> | undefined
  >;
  /** A manager over an opened store on disk. @throws TypeError, RangeError for a wrong option. */
  new <Data extends object = DefaultSessionData, Schema extends AnySchema = undefined>(
    options: Over<DurableSessionStore<Data>> & SchemaOptions<Schema>,
  ): SessionManager<DataOf<Data, Schema>, DurableSessionStore<Data>>;
  /** A manager over a store in memory. @throws TypeError, RangeError for a wrong option. */
  new <Data extends object = DefaultSessionData, Schema extends AnySchema = undefined>(
    options: Over<SessionStore<Data>> & SchemaOptions<Schema>,
  ): SessionManager<DataOf<Data, Schema>, SessionStore<Data>>;
  /** A manager over a backend of your own. @throws TypeError, RangeError for a wrong option. */
  new <Data extends object = DefaultSessionData, Schema extends AnySchema = undefined>(
    options: Over<SessionBackend> & SchemaOptions<Schema>,
  ): SessionManager<DataOf<Data, Schema>, undefined>;
  /** A manager with a store in memory of its own. @throws TypeError, RangeError for a wrong option. */
  new <Data extends object = DefaultSessionData, Schema extends AnySchema = undefined>(
    options?: InMemory & SchemaOptions<Schema>,
  ): SessionManager<DataOf<Data, Schema>, SessionStore<StoredOf<Data, Schema>>>;
  /** A manager of data whose type you give. @throws TypeError, RangeError for a wrong option. */
  new <Data extends object = never>(options: Given<Data>): SessionManager<Data>;
  /** A manager of which only the program that runs knows where its sessions are. @throws TypeError, RangeError for a wrong option. */
  new <Data extends object = DefaultSessionData, Schema extends AnySchema = undefined>(
    options: ManagerOptions & SchemaOptions<Schema>,
  ): SessionManager<DataOf<Data, Schema>>;
  readonly prototype: SessionManager;
}

/**
 * The manager of the sessions of HTTP requests, of `node:http`, `node:https`, and `node:http2` through its compatibility API. It loads the
 * session of a request, and commits it before the response's headers are sent. What is synchronous in the store is synchronous here: over a
 * `SessionStore` no method returns a promise, over a `DurableSessionStore` only those that write do.
 *
 * `Data` is the type of `session.data`: what the schema in the option `data` makes, or else `SessionData` once it has fields. `Ready` is
 * what `manager.ready` resolves with, and `Store` is what `manager.store` is: the same, or `undefined` until a store on disk is open.
 */
export interface SessionManager<
  Data extends object = DefaultSessionData,
  Ready extends AnyStore | undefined = AnyStore | undefined,
  Store extends Ready | undefined = Ready,
> extends Manager<Data, Ready, Store> {}

/** The class. `new SessionManager(options)` makes a manager, whose type says which store it has. */
export const SessionManager: SessionManagerConstructor = Manager as SessionManagerConstructor;
