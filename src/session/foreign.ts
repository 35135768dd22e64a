/** Assignments to a session object, which other session packages take for data. Here they would be lost, so they throw. */

/** What to use for the properties that other packages set or read, by name. */
const instead: Readonly<Record<string, string>> = {
  cookie:
    'the session has no cookie object. Its lifetime is set on the server: the options idleTimeout and absoluteTimeout, ' +
    '`session.touch({ idleTimeout })` for one session, `session.login(uid, { absoluteTimeout })` for one login',
  maxAge: 'the lifetime of one session is set with `session.touch({ idleTimeout })`',
  user: '`session.login(uid)` logs a user in, with a new id, and `session.uid` says who it is; the rest belongs to `session.data.user`',
  userId: '`session.login(uid)` logs a user in, with a new id, and `session.uid` says who it is',
  uid: '`session.login(uid)` logs a user in, with a new id',
  isAuthenticated: '`session.login(uid)` logs a user in, and `session.logout()` out',
  authenticatedAt: 'it is when `session.login(uid)` was called',
  id: 'the store makes ids; `session.regenerate()` gives the session a new one',
  handle: 'it is the public name of the session, and never changes',
  isNew: 'it is false once the session is stored',
  createdAt: 'it is when the session was stored first',
  expirationTime: '`session.touch({ idleTimeout })` sets the timeout of one session',
  signal: 'it is aborted when the session ends',
  postParameters: '`session.clean()` removes the parameters',
  getParameters: '`session.clean()` removes the parameters',
  resetMaxAge: 'each request prolongs the session by its idle timeout; `session.touch()` does it in between',
};

const FLAT = 'put `app.use(flatSession())` after `app.use(session())`: see docs/guides/passport.md';

/** The hint for properties that packages set, and which the middleware `flatSession` keeps. */
function flatHint(name: string): string | undefined {
  const packages: Readonly<Record<string, string>> = {
    passport: 'Passport',
    messages: 'Passport',
    returnTo: 'Passport',
    flash: 'connect-flash',
  };
  if (Object.hasOwn(packages, name)) return `for ${packages[name]} ${FLAT}`;
  if (/^(?:oauth|oauth2|openidconnect):/.test(name)) return `for Passport's strategies ${FLAT}`;
  if (name === 'csrfToken') {
    return (
      'for csrf-sync set getTokenFromState and storeTokenInState to read and write `req.session.data.csrfToken`; ' +
      `for other packages ${FLAT}`
    );
  }
  return undefined;
}

/** The names that are refused when they are read, because what is read there is used at once. */
const unreadable = new Set(['cookie', 'resetMaxAge']);

function nameOf(key: PropertyKey): string {
  return typeof key === 'symbol' ? '[a symbol]' : String(key);
}

function refuse(key: PropertyKey): never {
  const name = nameOf(key);
  const own = Object.hasOwn(instead, name) ? instead[name] : flatHint(name);
  const data = `data of the application belongs to session.data${/^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : ''}`;
  throw new TypeError(`session.${name} cannot be set and would not be stored: ${own ?? data}`);
}

/** Throws for a foreign property that cannot be read in a sensible way. */
export function refuseRead(key: PropertyKey): void {
  if (typeof key === 'string' && unreadable.has(key))
    throw new TypeError(`there is no session.${key}: ${instead[key]}`);
}

/** Throws for an assignment to one of the session's own members, such as `session.uid = ...`. */
export function refuseSetter(key: PropertyKey): () => never {
  return () => refuse(key);
}

/**
 * Makes assignments to the objects of a class throw: to its methods and getters, and to properties that it does not have. The latter costs
 * nothing: only a name that neither the object nor its class has reaches the proxy, which is the prototype of the class's prototype.
 */
export function refuseForeign(prototype: object): void {
  for (const key of Reflect.ownKeys(prototype)) {
    const descriptor = Object.getOwnPropertyDescriptor(prototype, key)!;
    if (key === 'constructor' || descriptor.set) continue;
    const { value } = descriptor as { value?: unknown };
    Object.defineProperty(prototype, key, {
      // An assignment to a method would be ignored silently in sloppy mode, because the object takes no properties.
      get: descriptor.get ?? ((): unknown => value),
      set: refuseSetter(key),
      enumerable: false,
      configurable: true,
    });
  }
  const guard = new Proxy<object>(Object.create(Object.prototype) as object, {
    set: (_target, key) => refuse(key),
    get(target, key, receiver): unknown {
      refuseRead(key);
      return Reflect.get(target, key, receiver);
    },
  });
  Object.setPrototypeOf(prototype, guard);
}
