/**
 * A session whose data are its own properties, for packages that were written for express-session and set properties of `req.session`:
 * Passport, connect-flash. Everything else of it is the session's.
 */
import { GUEST } from '../backend/ids.js';
import { SessionError } from '../errors.js';
import { settle, type SessionCallback } from './callback.js';
import { refuseRead, refuseSetter } from './foreign.js';
import { Session } from './session.js';

/** How a flat session is connected to its request. */
export interface FlatOptions {
  /** Makes `req.session` return another object. */
  readonly show: (session: Session) => void;
  /** The user id for what Passport serialized a user to. */
  readonly uid: (serialized: unknown) => string;
}

type Keyed = Record<PropertyKey, unknown>;

/** Where Passport stores the user who is logged in: `session.passport.user`. */
const PASSPORT = 'passport';

/** The names that are the session's and not the data's. */
const members = new Set<PropertyKey>(Reflect.ownKeys(Session.prototype));

/** Makes the flat form of a session. */
export function flatten(session: Session, options: FlatOptions): Session {
  return new FlatSession(session, options).proxy;
}

/** The handler of the proxy. Its target is an empty object of the class `Session`, which the engine compares the traps' answers with. */
class FlatSession implements ProxyHandler<Session> {
  readonly proxy: Session;
  readonly #session: Session;
  readonly #options: FlatOptions;
  /** The data before a `regenerate` or a logout, which the old object goes on to show, as in express-session. */
  #old: Keyed | undefined;
  /** True after `regenerate`: `req.session` is another object now. */
  #isReplaced = false;
  /** The logout that Passport's removal of the user began. */
  #loggingOut: Promise<void> | undefined;
  /** Why a login of Passport's failed, or a logout. `save` says so, because Passport's own code must not throw. */
  #failure: { readonly error: unknown } | undefined;
  #passport: { readonly of: object; readonly proxy: object } | undefined;

  constructor(session: Session, options: FlatOptions) {
    this.#session = session;
    this.#options = options;
    this.proxy = new Proxy(Object.create(Session.prototype) as Session, this);
  }

  /** What the properties are. */
  get #data(): Keyed {
    return this.#isReplaced ? this.#old! : (this.#session.data as Keyed);
  }

  /** The same for reading: nothing once the session was destroyed. */
  get #shown(): Keyed {
    try {
      return this.#data;
    } catch (error) {
      if (error instanceof SessionError && error.code === 'ERR_SESSION_GONE') return {};
      throw error;
    }
  }

  get(_target: Session, key: PropertyKey): unknown {
    if (key === 'save') return (callback?: SessionCallback) => this.#save(callback);
    if (key === 'regenerate') return (callback?: SessionCallback) => this.#regenerate(callback);
    if (members.has(key)) {
      const value: unknown = Reflect.get(this.#session, key, this.#session);
      return typeof value === 'function' && key !== 'constructor' ? value.bind(this.#session) : value;
    }
    const data = this.#shown;
    if (!Object.hasOwn(data, key)) {
      refuseRead(key);
      return Reflect.get(Object.prototype, key, this.proxy);
    }
    const value = data[key];
    return key === PASSPORT && typeof value === 'object' && value !== null ? this.#watched(value) : value;
  }

  set(_target: Session, key: PropertyKey, value: unknown): boolean {
    if (members.has(key)) return Reflect.set(this.#session, key, value, this.#session);
    if (key === 'cookie' || typeof key === 'symbol') return refuseSetter(key)();
    this.#refuseReplaced();
    const user: unknown = key === PASSPORT ? (value as { user?: unknown } | null)?.user : undefined;
    if (user !== undefined) this.#login(user);
    // The login may have replaced the data.
    this.#data[key] = value;
    return true;
  }

  has(_target: Session, key: PropertyKey): boolean {
    return members.has(key) || key in this.#shown;
  }

  deleteProperty(_target: Session, key: PropertyKey): boolean {
    this.#refuseReplaced();
    if (key === PASSPORT) this.#logout();
    return delete this.#data[key];
  }

  ownKeys(): (string | symbol)[] {
    return Reflect.ownKeys(this.#shown);
  }

  getOwnPropertyDescriptor(_target: Session, key: PropertyKey): PropertyDescriptor | undefined {
    const descriptor = Reflect.getOwnPropertyDescriptor(this.#shown, key);
    return descriptor && { ...descriptor, configurable: true };
  }

  defineProperty(_target: Session, key: PropertyKey, { value }: PropertyDescriptor): boolean {
    return this.set(_target, key, value);
  }

  #refuseReplaced(): void {
    if (this.#isReplaced) {
      throw new TypeError(
        'this session object was replaced by regenerate(): set properties of `req.session`, which is another one',
      );
    }
  }

  /** The object `session.passport`, whose property `user` is who is logged in. */
  #watched(of: object): object {
    if (this.#passport?.of !== of) {
      const proxy = new Proxy(of, {
        set: (target, key, value, receiver): boolean => {
          if (key === 'user' && !this.#isReplaced) this.#note(target, value);
          return Reflect.set(target, key, value, receiver);
        },
        deleteProperty: (target, key): boolean => {
          const isDeleted = Reflect.deleteProperty(target, key);
          if (key === 'user' && !this.#isReplaced) this.#logout();
          return isDeleted;
        },
      });
      this.#passport = { of, proxy };
    }
    return this.#passport.proxy;
  }

  /** Notes the user that Passport sets. */
  #note(passport: object, user: unknown): void {
    try {
      this.#login(user);
      // A login over another user's session empties the data.
      (this.#session.data as Keyed)[PASSPORT] = passport;
    } catch (error) {
      this.#failure = { error };
    }
  }

  #login(user: unknown): void {
    this.#failure = undefined;
    this.#session.login(this.#options.uid(user));
  }

  /** Ends the session when Passport removes the user: on logout, and if the user is not there any more. */
  #logout(): void {
    if (this.#session.uid === GUEST) return;
    this.#old = this.#session.data as Keyed;
    try {
      // The response waits for it, and fails if it does.
      this.#loggingOut = this.#session.logout();
    } catch (error) {
      this.#failure = { error };
    }
  }

  #save(callback: SessionCallback | undefined): Promise<void> {
    return settle('save', callback, () => {
      if (this.#failure) throw this.#failure.error;
      return this.#loggingOut ? this.#loggingOut.then(() => this.#session.save()) : this.#session.save();
    });
  }

  /** As in express-session: `req.session` is a new session without data, and this object keeps the data. */
  #regenerate(callback: SessionCallback | undefined): Promise<void> {
    return settle('regenerate', callback, () => {
      this.#refuseReplaced();
      const session = this.#session;
      if (this.#old === undefined) {
        this.#old = session.data as Keyed;
        session.data = {};
        void session.regenerate();
      }
      this.#isReplaced = true;
      this.#options.show(flatten(session, this.#options));
    });
  }
}
