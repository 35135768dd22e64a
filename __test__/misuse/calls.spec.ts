/** Wrong calls: of the middleware, the manager, the stores and sessions. */
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import test from 'ava';
import express, { type ErrorRequestHandler } from 'express';
import { DurableSessionStore, Session, SessionManager, SessionStore } from 'agai-session';
import { csrf, flatSession, session } from 'agai-session/express';
import { request, serve } from '../helpers/http.js';
import { refuses, SECRET, type Wrong } from './kit.js';

type Data = Record<string, unknown>;

const store = new SessionStore<Data>();
const manager = new SessionManager<Data>({ store });
const { id, handle } = store.create({});
const closed = new SessionStore();
closed.close();

/** A request and its response, without a network. */
function pair(): { req: IncomingMessage; res: ServerResponse } {
  const req = new IncomingMessage(new Socket());
  return { req, res: new ServerResponse(req) };
}

const started = (): Session<Data> => manager.create();
const anything = (value: unknown): never => value as never;
const callWith = (call: unknown, ...args: unknown[]): unknown => (call as (...args: unknown[]) => unknown)(...args);
const set = (name: string, value: unknown) => () => Object.assign(started(), { [name]: value });

const wrong: Wrong[] = [
  // The middleware and the manager.
  [
    'session()(ctx, next), as in Koa',
    () => callWith(session(), {}, () => undefined),
    TypeError,
    /\(req, res, next\).*manager\.start\(req, res\)/,
  ],
  [
    'manager.start()',
    () => manager.start(anything(undefined), anything(undefined)),
    TypeError,
    /^manager\.start\(req, res\): the response is missing/,
  ],
  [
    'manager.start(req)',
    () => manager.start(pair().req, anything(undefined)),
    TypeError,
    /the response is missing; .*ctx\.req, ctx\.res/,
  ],
  [
    'manager.start(ctx)',
    () => manager.start(anything({ req: {}, res: {} }), anything(undefined)),
    TypeError,
    /ctx\.req, ctx\.res/,
  ],
  [
    'manager.start(request, reply), as in Fastify',
    () => manager.start(anything({ headers: {} }), anything({ raw: {} })),
    TypeError,
    /request\.raw, reply\.raw/,
  ],
  [
    'manager.start(res, req)',
    () => manager.start(anything(pair().res), anything(pair().req)),
    TypeError,
    /the second argument is no response but an object of the class IncomingMessage/,
  ],
  [
    'manager.start(req, res) after the headers',
    () => {
      const { req, res } = pair();
      res.writeHead(200).flushHeaders();
      return manager.start(req, res);
    },
    'ERR_SESSION_HEADERS_SENT',
    /start the session first/,
  ],
  [
    'manager.load()',
    () => manager.load(anything(undefined)),
    TypeError,
    /^option id: a session id is a string; got undefined$/,
  ],
  ['manager.load(handle)', () => manager.load(handle), TypeError, /^option id: this is a handle.*session\.id/],
  [
    'manager.load(session)',
    () => manager.load(anything(store.get(id))),
    TypeError,
    /^option id: .*class SessionRecord$/,
  ],
  ['manager.remove(handle)', () => manager.remove(handle), TypeError, /manager\.store\.destroyByHandle/],
  ['new Session()', () => new (Session as unknown as new () => object)(), TypeError, /manager\.start\(req, res\)/],
  [
    'new DurableSessionStore()',
    () => new (DurableSessionStore as unknown as new () => object)(),
    TypeError,
    /await SessionStore\.open/,
  ],
  [
    'new DurableSessionStore({ path })',
    () => new (DurableSessionStore as unknown as new (options: object) => object)({ path: SECRET }),
    TypeError,
    /await SessionStore\.open/,
  ],

  // Stores.
  ...(['get', 'has', 'touch', 'destroy', 'regenerate'] as const).map((name): Wrong => [
    `store.${name}(handle)`,
    () => store[name](handle),
    TypeError,
    /^option id: this is a handle.*destroyByHandle/,
  ]),
  ['store.commit(handle, 1, data)', () => store.commit(handle, 1, {}), TypeError, /^option id: this is a handle/],
  [
    'store.update(handle, change)',
    () => store.update(handle, () => undefined),
    TypeError,
    /^option id: this is a handle/,
  ],
  [
    'store.destroyByHandle(id)',
    () => store.destroyByHandle(id),
    TypeError,
    /^option handle: this is an id.*`destroy`$/,
  ],
  [
    'store.destroyByHandle(session)',
    () => store.destroyByHandle(anything(store.get(id))),
    TypeError,
    /^option handle: a handle is a string/,
  ],
  ['store.destroy({ id })', () => store.destroy(anything({ id })), TypeError, /^option id: .*got an object$/],
  ['store.update(id)', () => store.update(id, anything(undefined)), TypeError, /update needs a function/],
  [
    'store.update(id, an async function)',
    () =>
      store.update(
        id,
        anything(async () => ({})),
      ),
    TypeError,
    /synchronous function.*nothing was written/,
  ],
  ['store.create()', () => store.create(anything(undefined)), 'ERR_SESSION_DATA', /must be an object/],
  ['store.create([])', () => store.create(anything([])), 'ERR_SESSION_DATA', /not an array/],
  [
    'store.create({}, { ttl })',
    () => store.create({}, anything({ ttl: SECRET })),
    TypeError,
    /^option create\.ttl: .*idleTimeout/,
  ],
  [
    'store.create({}, { idleTimeout: 30 })',
    () => store.create({}, { idleTimeout: 30 }),
    RangeError,
    /^option idleTimeout: .*'30m'/,
  ],
  [
    'store.create({}, { uid: 5 })',
    () => store.create({}, anything({ uid: 5 })),
    TypeError,
    /user id is a string, not a number: String\(id\)/,
  ],
  [
    'store.commit(id, data)',
    () => store.commit(id, anything({}), anything(undefined)),
    TypeError,
    /^option version: give a number; got an object$/,
  ],
  [
    'store.regenerate(id, { absoluteTimeout })',
    () => store.regenerate(id, { absoluteTimeout: '1h' }),
    TypeError,
    /^option absoluteTimeout: .*`uid`/,
  ],
  ['store.touch(id, 30)', () => store.touch(id, anything(30)), TypeError, /^option touch: pass an object of options/],
  [
    'store.on("expire")',
    () => store.on(anything('expire'), () => undefined),
    TypeError,
    /no session event expire, only .*expired/,
  ],
  [
    'store.on("expired")',
    () => store.on('expired', anything(undefined)),
    TypeError,
    /listener of expired must be a function/,
  ],
  ['store.page({ limit: 0 })', () => store.page({ limit: 0 }), RangeError, /^option limit: .*from 1 to 10000/],
  [
    'store.page({ page: 2 })',
    () => store.page(anything({ page: 2 })),
    TypeError,
    /^option page\.page: .*cursor, limit/,
  ],
  ['get of no id at all on a closed store', () => closed.get('nobody'), 'ERR_SESSION_CLOSED', /closed/],

  // Sessions.
  ['session.cart = []', set('cart', [SECRET]), TypeError, /^session\.cart cannot be set .*session\.data\.cart/],
  [
    'session.user = user',
    set('user', { password: SECRET }),
    TypeError,
    /^session\.user cannot be set .*session\.login\(uid\)/,
  ],
  ['session.uid = name', set('uid', SECRET), TypeError, /^session\.uid cannot be set .*session\.login\(uid\)/],
  ['session.id = id', set('id', SECRET), TypeError, /^session\.id cannot be set .*session\.regenerate\(\)/],
  ['session.save = function', set('save', () => undefined), TypeError, /^session\.save cannot be set/],
  ['session.passport = {}', set('passport', { user: SECRET }), TypeError, /flatSession\(\)/],
  [
    'session.cookie.maxAge = 5',
    () => (anything(started()) as { cookie: { maxAge: number } }).cookie.maxAge,
    TypeError,
    /^there is no session\.cookie: .*idleTimeout/,
  ],
  ['session.get() without a key', () => started().get(anything(undefined)), TypeError, /a key .* is a string/],
  ['session.set(object)', () => started().set(anything({ cart: [SECRET] }), 1), TypeError, /a key .* is a string/],
  ['session.set of a function', () => started().set('a', () => SECRET), 'ERR_SESSION_DATA', /JSON has nothing for/],
  ['session.data = null', () => (started().data = anything(null)), 'ERR_SESSION_DATA', /must be an object, not null/],
  ['session.data = []', () => (started().data = anything([SECRET])), 'ERR_SESSION_DATA', /not an array/],
  [
    'a circular structure in data',
    () => {
      const session = started();
      session.data['self'] = session.data;
      return session.save();
    },
    'ERR_SESSION_DATA',
    /cannot be stored: .*circular/,
  ],
  ['session.login()', () => started().login(anything(undefined)), TypeError, /user id is a string, not undefined/],
  ['session.login(5)', () => started().login(anything(5)), TypeError, /not a number: String\(id\)/],
  [
    'session.login(user)',
    () => started().login(anything({ id: SECRET })),
    TypeError,
    /user id is a string, not an object/,
  ],
  ['session.login("Guest")', () => started().login('Guest'), 'ERR_SESSION_UID', /'Guest'.*nobody is logged in/],
  [
    'session.login(uid, callback)',
    () =>
      started().login(
        'ann',
        anything(() => undefined),
      ),
    TypeError,
    /login\(\) takes no callback: it takes effect at once/,
  ],
  [
    'session.login(uid, { maxAge })',
    () => started().login('ann', anything({ maxAge: SECRET })),
    TypeError,
    /^option login\.maxAge: .*absoluteTimeout/,
  ],
  [
    'session.login(uid, { absoluteTimeout: 30 })',
    () => started().login('ann', { absoluteTimeout: 30 }),
    RangeError,
    /^option absoluteTimeout: .*'30m'/,
  ],
  [
    'session.touch({ idleTimeout: 30 })',
    () => started().touch({ idleTimeout: 30 }),
    RangeError,
    /^option idleTimeout: .*'30m'/,
  ],
  ['session.touch(30)', () => started().touch(anything(30)), TypeError, /^option touch: pass an object/],
  [
    'session.save(data)',
    () => started().save(anything({ cart: SECRET })),
    TypeError,
    /save\(\): the callback must be a function/,
  ],
  [
    'a session after its destroy()',
    async () => {
      const session = started();
      await session.destroy();
      return session.data;
    },
    'ERR_SESSION_GONE',
    /has ended/,
  ],
];

refuses(wrong);

/** Sends one request to an application, and returns the message of the error that its handler was given. */
async function errorOf(t: Parameters<typeof serve>[0], app: express.Express): Promise<string> {
  const show: ErrorRequestHandler = (error: Error, _req, res, _next) => {
    res.status(500).send(`${error.name}: ${error.message}`);
  };
  const { status, body } = await request(await serve(t, app.use(show)));
  t.is(status, 500);
  return body;
}

// Each request made a store of its own, with a thread; then the answer was an error from inside.
test('app.use(session) without the call', async (t) => {
  t.regex(await errorOf(t, express().use(anything(session))), /^TypeError: .*app\.use\(session\(\)\)/);
});

test('app.use(flatSession) without the call', async (t) => {
  t.regex(
    await errorOf(t, express().use(session(), anything(flatSession))),
    /^TypeError: .*app\.use\(flatSession\(\)\)/,
  );
});

test('app.use(csrf) without the call', async (t) => {
  t.regex(await errorOf(t, express().use(anything(csrf))), /^TypeError: .*app\.use\(csrf\(\)\)/);
});

test('app.use(flatSession()) before app.use(session())', async (t) => {
  const app = express().use(flatSession(), session());
  t.regex(await errorOf(t, app), /^TypeError: .*app\.use\(session\(\)\) before/);
});

test('req.session = null, in a handler', async (t) => {
  const app = express().use(session());
  app.get('/', (req) => {
    Object.assign(req, { session: null });
  });
  t.regex(await errorOf(t, app), /^TypeError: req\.session = null .*await req\.session\.logout\(\)/);
});
