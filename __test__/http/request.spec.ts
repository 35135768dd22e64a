/** How `req.session` behaves as a property, and what a request and its response are given. */
import test from 'ava';
import { SessionManager, SessionStore } from 'agai-session';
import { session } from 'agai-session/express';
import { expresses } from '../helpers/apps.js';
import { request, serve } from '../helpers/http.js';
import { remoteBackend } from '../helpers/remote-backend.js';

const names = (...objects: object[]): (string | symbol)[] =>
  objects.flatMap((object) => Reflect.ownKeys(object)).filter((name) => !/^\d+$/.test(String(name)));

for (const [version, create] of Object.entries(expresses)) {
  // Each property that a middleware adds to a request of Express' costs some microseconds before Node.js 24 (docs/internals/laboratory.md).
  test(`${version}: no named property is added to a request or its response`, async (t) => {
    const app = create();
    const seen: { before?: (string | symbol)[]; after?: (string | symbol)[]; data?: object } = {};
    app.use((req, res, next) => {
      // Node fills these in when they are first looked at.
      void req.headers;
      seen.before = names(req, res);
      next();
    });
    app.use(session());
    app.use((req, res) => {
      seen.after = names(req, res);
      seen.data = req.session.data;
      res.send('ok');
    });
    await request(await serve(t, app));
    t.true(seen.before!.length > 20);
    t.deepEqual(seen.after, seen.before);
    t.deepEqual(seen.data, {});
  });

  test(`${version}: another package's session replaces req.session on that request only`, async (t) => {
    class Other {
      other = true;
    }
    const app = create();
    app.use(session());
    app.get('/other', (req, res) => {
      const other = new Other();
      Object.assign(req, { session: other });
      res.json({ same: (req.session as unknown) === other, own: Object.hasOwn(req, 'session') });
    });
    app.get('/', (req, res) => {
      res.json(req.session.uid);
    });
    const url = await serve(t, app);
    t.deepEqual(JSON.parse((await request(`${url}/other`)).body), { same: true, own: true });
    t.is((await request(url)).body, '"Guest"');
  });

  test(`${version}: req.session is not enumerable`, async (t) => {
    const app = create();
    app.use(session());
    app.get('/', (req, res) => {
      const names = [];
      for (const name in req) names.push(name);
      res.json([Object.keys({ ...req }).includes('session'), names.includes('session'), req.session.uid]);
    });
    const url = await serve(t, app);
    t.deepEqual(JSON.parse((await request(`${url}/`)).body), [false, false, 'Guest']);
  });

  test(`${version}: a wrapped request has the session of the request inside`, async (t) => {
    const app = create();
    app.use(session());
    app.use((req, res) => {
      const derived = Object.create(req) as typeof req;
      const proxy = new Proxy(req, {});
      res.json([derived.session === req.session, proxy.session === req.session, 'session' in req]);
    });
    t.is((await request(await serve(t, app))).body, '[true,true,true]');
  });

  test(`${version}: a property of this name that is no session of another package is replaced`, async (t) => {
    const app = create();
    app.use((req, _res, next) => {
      Object.assign(req, { session: 'somebody else’s' });
      next();
    });
    app.use(session());
    app.use((req, res) => {
      res.json(req.session.uid);
    });
    t.is((await request(await serve(t, app))).body, '"Guest"');
  });

  test(`${version}: of two middlewares with stores of their own, the later one's session is req.session`, async (t) => {
    const [first, second] = [new SessionStore(), new SessionStore()];
    const app = create();
    const inner = session({ store: second, cookie: { name: 'inner', secure: false } });
    app.use(session({ store: first, cookie: { name: 'outer', secure: false } }), inner);
    app.use((req, res) => {
      Object.assign(req.session.data, { n: 1 });
      res.json(inner.manager.start(req, res) === req.session);
    });
    t.is((await request(await serve(t, app))).body, 'true');
    t.deepEqual([first.size, second.size], [0, 1]);
  });

  test(`${version}: the earlier one is req.session again when it runs again`, async (t) => {
    const [first, second] = [new SessionStore(), new SessionStore()];
    const app = create();
    const outer = session({ store: first, cookie: { name: 'outer', secure: false } });
    app.use(outer, session({ store: second, cookie: { name: 'inner', secure: false } }), outer);
    app.use((req, res) => {
      Object.assign(req.session.data, { n: 1 });
      res.send('ok');
    });
    await request(await serve(t, app));
    t.deepEqual([first.size, second.size], [1, 0]);
  });
}

test('a request that no middleware has seen has no session', async (t) => {
  session();
  const url = await serve(t, (req, res) => {
    res.end(String((req as { session?: unknown }).session));
  });
  t.is((await request(url)).body, 'undefined');
});

test('a session that was started on a plain request is committed when Express sends the response', async (t) => {
  const manager = new SessionManager<{ n?: number }>({ cookie: { secure: false } });
  const app = expresses['Express 5']!();
  app.use((_req, res) => {
    res.send('ok');
  });
  const url = await serve(t, (req, res) => {
    const { data } = manager.start(req, res) as { data: { n?: number } };
    data.n = 1;
    app(req, res);
  });
  const { cookies } = await request(url);
  t.is(cookies.length, 1);
  t.is(manager.store!.size, 1);
});

test('two concurrent starts of one request return the same session, also over an asynchronous store', async (t) => {
  const store = new SessionStore();
  const manager = new SessionManager({ store: remoteBackend(store.backend), cookie: { secure: false } });
  const { id } = store.create({ n: 1 });
  const url = await serve(t, async (req, res) => {
    const [first, second] = await Promise.all([manager.start(req, res), manager.start(req, res)]);
    res.end(String(first === second && first.id === id));
  });
  t.is((await request(url, { headers: { cookie: `id=${id}` } })).body, 'true');
});

test('Express is asked once whether a request is secure, and not at all for an untouched one unless the name depends on it', async (t) => {
  const asked: string[] = [];
  const get = async (cookie: object, path: string): Promise<string[]> => {
    asked.length = 0;
    const app = expresses['Express 5']!();
    app.use((req, _res, next) => {
      Object.defineProperty(req, 'secure', { get: () => asked.push(req.url) > 0 });
      next();
    });
    app.use(session({ cookie }));
    app.get('/untouched', (_req, res) => res.send('ok'));
    app.get('/written', async (req, res) => {
      Object.assign(req.session.data, { n: 1 });
      await req.session.save();
      req.session.regenerate();
      res.send('ok');
    });
    await request((await serve(t, app)) + path);
    return [...asked];
  };
  t.deepEqual(await get({ secure: true }, '/untouched'), []);
  t.deepEqual(await get({ secure: true }, '/written'), ['/written']);
  t.deepEqual(await get({}, '/untouched'), ['/untouched'], 'it decides which cookie is looked for');
  t.deepEqual(await get({}, '/written'), ['/written']);
});
