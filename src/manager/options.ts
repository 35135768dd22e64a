/** The options of a manager, which are also those of every middleware. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { deferredBackend } from '../backend/deferred-backend.js';
import type { SessionBackend } from '../backend/session-backend.js';
import { storeOptionNames, type SessionStoreOptions } from '../backend/store-options.js';
import { checkDurableOptions, durableOptionNames, type DurableStoreOptions } from '../disk/options.js';
import { checkNames, oneOf, typeError } from '../options.js';
import type { Concurrency, SessionContext } from '../session/context.js';
import { DurableSessionStore, openDurableStore } from '../store/durable-session-store.js';
import { SessionStore } from '../store/session-store.js';
import type { CookieOptions } from './cookie-options.js';
import { CookiePolicy } from './cookie.js';

/**
 * Options of the manager and of every middleware. The options of a store create one that belongs to this manager: on disk with `path`,
 * where requests wait until it is open, else in memory.
 */
export interface SessionOptions extends DurableStoreOptions {
  /**
   * Where the sessions are: a `SessionStore` or a `DurableSessionStore`, which several middlewares may share, or any
   * `SessionBackend`. Default: a store that belongs to this middleware, created from the store options given here. With `store`,
   * those cannot be given.
   */
  // oxlint-disable-next-line typescript/no-explicit-any -- a store of any data
  store?: SessionStore<any> | DurableSessionStore<any> | SessionBackend;
  cookie?: CookieOptions;
  /** What happens when two requests change one session at the same time. Default `'merge'`. */
  concurrency?: Concurrency;
  /**
   * Whether `X-Forwarded-Proto` tells the client's protocol, because every request comes through a proxy that sets it. Default
   * false. Only for `manager.start`: Express has its own setting, `trust proxy`.
   */
  trustProxy?: boolean;
  /**
   * Called when a session cannot be written and its response therefore is not sent. Default: `next(error)` in Express; elsewhere the
   * client gets an empty 500 and the error becomes a process warning.
   */
  onError?: (error: unknown, req: IncomingMessage, res: ServerResponse) => void;
}

const ownNames = [
  'store',
  'cookie',
  'concurrency',
  'trustProxy',
  'onError',
] as const satisfies (keyof SessionOptions)[];

/** The checked options, which the manager shares with all its requests and sessions. */
export interface Settings extends SessionContext {
  /** Waits for the opening, if there is one; the manager then replaces it with the opened store's. */
  backend: SessionBackend;
  /** `undefined` while it is being opened, or if a backend of another kind was given. */
  store: SessionStore | DurableSessionStore | undefined;
  /** The opening of a store on disk that belongs to the manager. */
  readonly opening: Promise<DurableSessionStore> | undefined;
  readonly cookie: CookiePolicy;
  readonly trustProxy: boolean;
  readonly onError: SessionOptions['onError'];
}

/** Checks options and fills in the defaults. @throws TypeError, RangeError for a wrong option. */
export function checkOptions(options: SessionOptions): Settings {
  checkNames('session', options, [...ownNames, ...storeOptionNames, ...durableOptionNames]);
  const { store, concurrency = 'merge', trustProxy = false, onError, cookie, ...storeOptions } = options;
  oneOf('concurrency', concurrency, ['merge', 'strict', 'last-write-wins']);
  oneOf('trustProxy', trustProxy, [true, false]);
  if (onError !== undefined && typeof onError !== 'function') throw typeError('onError', onError, 'pass a function');
  // The store last: none is opened if another option is wrong.
  return { cookie: new CookiePolicy(cookie), concurrency, trustProxy, onError, ...storeOf(store, storeOptions) };
}

type Stored = Pick<Settings, 'backend' | 'store' | 'opening'>;

function storeOf(store: unknown, storeOptions: DurableStoreOptions): Stored {
  if (store === undefined) return storeOptions.path === undefined ? inMemory(storeOptions) : onDisk(storeOptions);
  const given = Object.entries(storeOptions).find(([, value]) => value !== undefined);
  if (given) throw typeError(...given, 'the store is given and has its own: set it there');
  if (store instanceof SessionStore || store instanceof DurableSessionStore) {
    return { backend: store.backend, store, opening: undefined };
  }
  return { backend: checkBackend(store), store: undefined, opening: undefined };
}

const backendMethods: readonly (keyof SessionBackend)[] = [
  'load',
  'create',
  'commit',
  'regenerate',
  'touch',
  'destroy',
  'now',
];

function checkBackend(store: unknown): SessionBackend {
  const backend = store as SessionBackend;
  const isBackend =
    typeof store === 'object' &&
    store !== null &&
    backendMethods.every((method) => typeof backend[method] === 'function');
  if (isBackend) return backend;
  const methods = backendMethods.join(', ');
  throw typeError('store', store, `pass a SessionStore, a DurableSessionStore or an object with ${methods}`);
}

function onDisk(options: DurableStoreOptions): Stored {
  const { openTimeout = '10s' } = options;
  const settings = checkDurableOptions({ ...options, openTimeout });
  const { limits, clock } = settings;
  const opening = openDurableStore<Record<string, unknown>>(settings);
  const now = clock ? () => clock.now() : Date.now;
  return { backend: deferredBackend(opening, { timeouts: limits, now }), store: undefined, opening };
}

function inMemory(options: DurableStoreOptions): Stored {
  const memoryOptions: Record<string, unknown> = { ...options };
  for (const name of durableOptionNames) {
    if (options[name] !== undefined) {
      throw typeError(name, options[name], 'it is for a store on disk: give its path as well');
    }
    delete memoryOptions[name];
  }
  const store = new SessionStore(memoryOptions as SessionStoreOptions);
  return { backend: store.backend, store, opening: undefined };
}
