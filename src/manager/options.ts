/** The options of a manager, which are also those of every middleware. */
import { IncomingMessage, type ServerResponse } from 'node:http';
import { checkedBackend } from '../backend/checked-backend.js';
import { deferredBackend } from '../backend/deferred-backend.js';
import type { SessionBackend } from '../backend/session-backend.js';
import { storeOptionNames, type SessionStoreOptions } from '../backend/store-options.js';
import type { DefaultSessionData } from '../data.js';
import { checkDurableOptions, durableOptionNames, type DurableStoreOptions } from '../disk/options.js';
import { bare, kindError, kindOf, oneOf, ownOptions, wholeNumber } from '../options.js';
import { otherSessionOptions } from '../other-options.js';
import { isPromise } from '../maybe-promise.js';
import type { Concurrency, SessionContext } from '../session/context.js';
import { FormPolicy, type FormOption } from '../session/form.js';
import { DataSchema, type OnInvalid } from '../session/data-schema.js';
import type { StandardSchema } from '../standard-schema.js';
import { DurableSessionStore, openDurableStore } from '../store/durable-session-store.js';
import { SessionStore } from '../store/session-store.js';
import type { CookieOptions } from './cookie-options.js';
import { CookiePolicy } from './cookie.js';
import { HeadPolicy, type SiteData } from './head-policy.js';
import { warnIfNotShared } from './sharing.js';

/** The options of the manager and of every middleware without those of the data. */
export interface ManagerOptions extends DurableStoreOptions {
  /**
   * Where the sessions are: a `SessionStore` or a `DurableSessionStore`, which several middlewares may share, or any
   * `SessionBackend`. Default: a store that belongs to this middleware, created from the store options given here. With `store`,
   * those cannot be given.
   */
  // oxlint-disable-next-line typescript/no-explicit-any -- a store of any data
  store?: SessionStore<any> | DurableSessionStore<any> | SessionBackend;
  /** The attributes of the session cookie. */
  cookie?: CookieOptions;
  /** What happens when two requests change one session at the same time. Default `'merge'`. */
  concurrency?: Concurrency;
  /**
   * Whether `X-Forwarded-Proto` tells the client's protocol, because every request comes through proxies that set it: how many, counted from
   * the server. Of several protocols in the header the one that the outermost of these proxies saw counts, not what the client sent before
   * it. True: all of them are trusted, and the first counts. Default false. Only for `manager.start`: Express has its own setting, `trust proxy`.
   */
  trustProxy?: boolean | number;
  /**
   * Which form parameters a session keeps. Default: all but those whose names look secret. `false`: none. `{ only: ['email'] }`: of those,
   * these alone.
   */
  form?: FormOption;
  /**
   * Whether a response tells caches what its session means for them. Default true: with a session cookie of ours, `Cache-Control: no-store`;
   * if the handler used the session, `Vary: Cookie` beside the handler's own; if a user is logged in and the handler set no `Cache-Control`,
   * `private, no-cache`. A response whose handler did not use the session is not changed. False: no such header at all.
   */
  cacheHeaders?: boolean;
  /**
   * What the browser forgets when `logout()` or `destroy()` ended a session, by the header `Clear-Site-Data`, on secure connections only.
   * `true` is `['storage']`: what scripts of the origin have stored. `'cookies'` are those of the whole registrable domain, its other
   * applications included; `'cache'` can take a browser seconds. Default false: nothing.
   */
  clearSiteData?: boolean | readonly SiteData[];
  /**
   * Called when a session cannot be written and its response therefore is not sent. Default: `next(error)` in Express; elsewhere the
   * client gets an empty 500 and the error becomes a process warning. It must respond: if it has sent nothing within 5 seconds, or throws
   * or rejects, the client gets that 500 too.
   */
  onError?: (error: unknown, req: IncomingMessage, res: ServerResponse) => unknown;
}

/**
 * Options of the manager and of every middleware. The options of a store create one that belongs to this manager: on disk with `path`,
 * where requests wait until it is open, else in memory.
 */
export interface SessionOptions extends ManagerOptions {
  /**
   * What `data` must be: a schema of zod, valibot, arktype or any other library that implements Standard Schema. The data is checked when a
   * request first reads it, and what the schema makes of it (defaults, a `Date` of a string) is what the handler gets. It is checked again
   * before it is written: what the schema does not accept is refused with `ERR_SESSION_DATA`. Every session begins with `{}`, so the schema
   * must accept that; it must be synchronous. Default: none, and nothing is checked.
   */
  data?: StandardSchema<unknown, object>;
  /**
   * What happens to stored data that the schema `data` does not accept, because the application has changed, for example. `'error'`
   * (default): reading it throws `ERR_SESSION_DATA`. `'discard'`: the session goes on with the data of a new one. A function: it gets the
   * stored data and returns new data, which is checked as well; it is stored with the next change.
   */
  onInvalid?: OnInvalid;
}

const ownNames = [
  'store',
  'cookie',
  'data',
  'onInvalid',
  'concurrency',
  'trustProxy',
  'form',
  'cacheHeaders',
  'clearSiteData',
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
  readonly forms: FormPolicy;
  /** How many proxies are trusted; 0 for none. */
  readonly hops: number;
  readonly head: HeadPolicy;
  readonly onError: SessionOptions['onError'];
}

/** Checks options and fills in the defaults. @throws TypeError, RangeError for a wrong option. */
export function checkOptions(options: SessionOptions): Settings {
  refuseOther(options);
  const {
    store,
    concurrency = 'merge',
    trustProxy = false,
    form,
    cacheHeaders,
    clearSiteData,
    onError,
    cookie,
    data,
    onInvalid,
    ...storeOptions
  } = ownOptions('session', options, [...ownNames, ...storeOptionNames, ...durableOptionNames], otherSessionOptions);
  oneOf('concurrency', concurrency, ['merge', 'strict', 'last-write-wins']);
  if (onError !== undefined && typeof onError !== 'function') throw kindError('onError', onError, 'pass a function');
  const schema = schemaOf(data, onInvalid);
  // The store last: none is opened if another option is wrong.
  return {
    cookie: new CookiePolicy(cookie),
    head: new HeadPolicy(cacheHeaders, clearSiteData),
    schema,
    concurrency,
    hops: hopsOf(trustProxy),
    forms: new FormPolicy(form),
    onError,
    ...storeOf(store, bare(storeOptions)),
  };
}

function hopsOf(trustProxy: unknown): number {
  if (typeof trustProxy === 'number') return wholeNumber('trustProxy', trustProxy, 1, 100);
  return oneOf('trustProxy', trustProxy, [true, false]) ? Infinity : 0;
}

function schemaOf(data: unknown, onInvalid: unknown): DataSchema | undefined {
  if (data !== undefined) return new DataSchema(data, onInvalid);
  if (onInvalid !== undefined)
    throw new TypeError('option onInvalid: it is for a schema: give the option data as well');
  return undefined;
}

type Stored = Pick<Settings, 'backend' | 'store' | 'opening'>;

function storeOf(store: unknown, storeOptions: DurableStoreOptions): Stored {
  if (store === undefined) return storeOptions.path === undefined ? inMemory(storeOptions) : onDisk(storeOptions);
  const given = Object.entries(storeOptions).find(([, value]) => value !== undefined);
  if (given) throw new TypeError(`option ${given[0]}: the store is given and has its own: set it there`);
  if (store instanceof SessionStore || store instanceof DurableSessionStore) {
    warnIfNotShared(store instanceof DurableSessionStore);
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
  if (isBackend) return checkedBackend(withTimeouts(backend));
  throw new TypeError(`option store: ${fixOfStore(store)}; got ${kindOf(store)}`);
}

function withTimeouts(backend: SessionBackend): SessionBackend {
  const timeouts = Object(backend.timeouts) as Record<string, unknown>;
  for (const name of ['idleTimeout', 'guestIdleTimeout', 'absoluteTimeout']) {
    if (typeof timeouts[name] !== 'number') {
      throw new TypeError(
        `option store: its timeouts.${name} must be a number of milliseconds, not ${kindOf(timeouts[name])}`,
      );
    }
  }
  return backend;
}

/** What to do about a value that is no store. */
function fixOfStore(store: unknown): string {
  const methods = backendMethods.join(', ');
  const pass = `pass a SessionStore, a DurableSessionStore or an object with ${methods}`;
  if (isPromise(store)) return 'it is a promise, as SessionStore.open returns: await it first';
  if (store === SessionStore) return 'it is the class: pass an object of it, new SessionStore()';
  if (typeof store === 'string') return `${pass}. For a directory on disk use the option path`;
  const { backend, get, set } = Object(store) as { backend?: unknown; get?: unknown; set?: unknown };
  if (typeof backend === 'object') {
    return `${pass}. It seems to be a store of another copy of agai-session: \`npm ls agai-session\` lists them, keep one`;
  }
  if (typeof get === 'function' && typeof set === 'function') {
    return `${pass}. A store of express-session has other methods and cannot be used. For a store in this process leave the option out`;
  }
  return pass;
}

/** Refuses things that are often passed in place of the options. */
function refuseOther(options: unknown): void {
  if (options instanceof SessionStore || options instanceof DurableSessionStore) {
    throw new TypeError('option session: this is a store: pass it as an option, { store }');
  }
  if (options instanceof IncomingMessage) {
    throw new TypeError(
      'option session: this is a request: call the function, app.use(session()), not app.use(session)',
    );
  }
}

function onDisk(options: DurableStoreOptions): Stored {
  const { openTimeout = '10s' } = options;
  const settings = checkDurableOptions({ ...options, openTimeout });
  const { limits, clock } = settings;
  const opening = openDurableStore<DefaultSessionData>(settings);
  warnIfNotShared(true);
  const now = clock ? () => clock.now() : Date.now;
  return { backend: deferredBackend(opening, { timeouts: limits, now }), store: undefined, opening };
}

function inMemory(options: DurableStoreOptions): Stored {
  const memoryOptions = bare(options) as Record<string, unknown>;
  for (const name of durableOptionNames) {
    if (options[name] !== undefined) {
      throw new TypeError(`option ${name}: it is for a store on disk: give its path as well`);
    }
    delete memoryOptions[name];
  }
  const store = new SessionStore(memoryOptions as SessionStoreOptions);
  warnIfNotShared(false);
  return { backend: store.backend, store, opening: undefined };
}
