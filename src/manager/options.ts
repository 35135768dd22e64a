/** What a session manager can be told, and its defaults. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { checkNames, oneOf, typeError } from '../options.js';
import type { Concurrency } from '../session/session.js';
import type { SessionBackend } from '../backend/session-backend.js';
import { checkDurableOptions, durableOptionNames, type DurableStoreOptions } from '../disk/options.js';
import { DurableSessionStore } from '../store/durable-session-store.js';
import { OpeningBackend } from '../backend/deferred-backend.js';
import { storeOptionNames, type SessionStoreOptions } from '../backend/store-options.js';
import { SessionStore } from '../store/session-store.js';
import { CookiePolicy, type CookieOptions } from './cookie.js';

/**
 * Options of the manager and of every middleware. Those of a store make a store of its own: on disk with `path`, which is
 * opened meanwhile, and in memory without.
 */
export interface SessionOptions extends DurableStoreOptions {
  /**
   * Where the sessions are: a `SessionStore` or a `DurableSessionStore`, which several middlewares may share, or any
   * `SessionBackend`. Default: a store of this middleware's own, made from the store options given here; with `store`, those
   * cannot be given.
   */
  // oxlint-disable-next-line typescript/no-explicit-any -- a store of whichever data
  store?: SessionStore<any> | DurableSessionStore<any> | SessionBackend;
  cookie?: CookieOptions;
  /** What happens when two requests changed one session at once. Default `'merge'`. */
  concurrency?: Concurrency;
  /**
   * Whether `X-Forwarded-Proto` tells the client's protocol, because every request comes through a proxy that sets it. Default
   * false. For `manager.start` alone: Express has its own setting, `trust proxy`.
   */
  trustProxy?: boolean;
  /**
   * Called when a session cannot be written and its response therefore is not sent. Default: `next(error)` in Express;
   * elsewhere the client gets a bare 500 and the error becomes a process warning.
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

export interface CheckedOptions {
  readonly cookie: CookiePolicy;
  readonly backend: SessionBackend;
  /** The store, if it is one of ours and open. */
  readonly store: SessionStore | DurableSessionStore | undefined;
  /** The backend, if it is opening a store of its own. */
  readonly opening: OpeningBackend | undefined;
  readonly concurrency: Concurrency;
  readonly trustProxy: boolean;
  readonly onError: SessionOptions['onError'];
}

export function checkOptions(options: SessionOptions): CheckedOptions {
  checkNames('session', options, [...ownNames, ...storeOptionNames, ...durableOptionNames]);
  const { store, concurrency = 'merge', trustProxy = false, onError, cookie, ...storeOptions } = options;
  oneOf('concurrency', concurrency, ['merge', 'strict', 'last-write-wins']);
  oneOf('trustProxy', trustProxy, [true, false]);
  if (onError !== undefined && typeof onError !== 'function') throw typeError('onError', onError, 'pass a function');
  // The store last: nothing is opened for options that are refused.
  return { cookie: new CookiePolicy(cookie), concurrency, trustProxy, onError, ...checkStore(store, storeOptions) };
}

type CheckedStore = Pick<CheckedOptions, 'backend' | 'store' | 'opening'>;

function checkStore(store: unknown, storeOptions: DurableStoreOptions): CheckedStore {
  if (store === undefined) return ownStore(storeOptions);
  const given = Object.entries(storeOptions).find(([, value]) => value !== undefined);
  if (given) throw typeError(...given, 'the store is given and has its own: set it there');
  if (store instanceof SessionStore || store instanceof DurableSessionStore) {
    return { backend: store.backend, store, opening: undefined };
  }
  const contract: readonly (keyof SessionBackend)[] = [
    'load',
    'create',
    'commit',
    'regenerate',
    'touch',
    'destroy',
    'now',
  ];
  const backend = store as SessionBackend;
  if (typeof store !== 'object' || store === null || contract.some((method) => typeof backend[method] !== 'function')) {
    throw typeError(
      'store',
      store,
      `pass a SessionStore, a DurableSessionStore or an object with ${contract.join(', ')}`,
    );
  }
  return { backend, store: undefined, opening: undefined };
}

function ownStore(options: DurableStoreOptions): CheckedStore {
  if (options.path !== undefined) {
    const opening = new OpeningBackend(checkDurableOptions(options));
    return { backend: opening, store: undefined, opening };
  }
  const inMemory: Record<string, unknown> = { ...options };
  for (const name of durableOptionNames) {
    if (options[name] !== undefined) {
      throw typeError(name, options[name], 'it is for a store on disk: give its path as well');
    }
    delete inMemory[name];
  }
  const store = new SessionStore(inMemory as SessionStoreOptions);
  return { backend: store.backend, store, opening: undefined };
}
