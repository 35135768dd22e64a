/** A session object takes no properties: what other packages or habits set on it would be lost, so it throws and says what to use. */
import { createContext, runInContext } from 'node:vm';
import test from 'ava';
import { SessionManager, SessionStore, Session } from 'agai-session';

const open = (): Session<Record<string, unknown>> =>
  new SessionManager<Record<string, unknown>>({ store: new SessionStore() }).create();

/** Assigns in sloppy mode, as CommonJS does: there an assignment that fails is ignored, unless the object itself throws. */
function assignSloppily(session: object, name: string, value: unknown): void {
  runInContext(`session[name] = value`, createContext({ session, name, value }));
}

// `req.session.cart = []` was accepted and lost: the message of connect-flash was gone, csrf-sync answered 403 to every POST.
for (const [name, fix] of [
  ['cart', /session\.data\.cart/],
  ['a-b', /session\.data/],
  ['passport', /Passport.*flatSession/],
  ['messages', /flatSession/],
  ['returnTo', /flatSession/],
  ['flash', /connect-flash.*flatSession/],
  ['csrfToken', /storeTokenInState.*session\.data\.csrfToken/],
  ['oauth2:provider.example', /flatSession/],
  ['user', /session\.login\(uid\)/],
  ['userId', /session\.login\(uid\)/],
  ['cookie', /idleTimeout/],
  ['toString', /session\.data\.toString/],
  ['__proto__', /session\.data/],
] as const) {
  test(`an assignment to session[${name}] throws, and says what to use`, (t) => {
    const session = open();
    const refused = { instanceOf: TypeError, message: fix };
    t.throws(() => Reflect.set(session, name, 'hunter2'), refused);
    t.throws(() => Object.assign(session, { [name]: 'hunter2' }), refused);
    const error = t.throws(() => assignSloppily(session, name, 'hunter2'));
    t.regex(error?.message ?? '', fix);
    t.true(error?.message.startsWith(`session.${name} cannot be set`));
    t.notRegex(error?.message ?? '', /hunter2/);
    t.deepEqual(Object.keys(session), []);
  });
}

// In sloppy mode `req.session.uid = 5` was ignored without a word.
for (const name of ['uid', 'id', 'handle', 'isAuthenticated', 'login', 'save', 'touch', 'toJSON', 'signal', 'isNew']) {
  test(`an assignment to the session's own ${name} throws, also in sloppy mode`, (t) => {
    const session = open();
    const before: unknown = Reflect.get(session, name);
    for (const assign of [() => Reflect.set(session, name, 5), () => assignSloppily(session, name, 5)]) {
      const error = t.throws(assign, { instanceOf: TypeError });
      t.true(error?.message.startsWith(`session.${name} cannot be set`), error?.message);
    }
    t.is(Reflect.get(session, name), before);
  });
}

test('a property cannot be defined either, and none that was never set can be found', (t) => {
  const session = open();
  t.throws(() => Object.defineProperty(session, 'cart', { value: [] }), { instanceOf: TypeError, message: /cart/ });
  t.false('cart' in session);
  t.is(Reflect.get(session, 'passport'), undefined, 'packages look whether something is there');
});

test('what is read and used at once says what to use', (t) => {
  const session = open() as unknown as {
    cookie: { maxAge: number };
    resetMaxAge(): void;
  };
  for (const [use, message] of [
    [() => (session.cookie.maxAge = 5), /there is no session\.cookie: .*idleTimeout/],
    [() => session.resetMaxAge(), /there is no session\.resetMaxAge: .*session\.touch/],
  ] as const) {
    t.throws(use, { instanceOf: TypeError, message });
  }
});

test('a session is an ordinary object in all other respects', (t) => {
  const session = open();
  t.true(session instanceof Session && session instanceof Object);
  t.is(Object.getPrototypeOf(session), Session.prototype);
  t.is(String(session), '[object Object]');
  t.deepEqual(Object.keys(JSON.parse(JSON.stringify(session)) as object), [
    'uid',
    'isAuthenticated',
    'expirationTime',
    'data',
  ]);
  t.true(Object.hasOwn(Session.prototype, 'save'));
  session.data = { n: 1 };
  t.deepEqual(session.data, { n: 1 });
});

test('a session cannot be made without a manager', (t) => {
  t.throws(() => new (Session as unknown as new () => unknown)(), {
    instanceOf: TypeError,
    message: /manager\.create/,
  });
});
