/** Passport 0.7 with the strategy `passport-local`, step by step, over HTTP. */
import test, { type ExecutionContext } from 'ava';
import { SessionStore } from 'agai-session';
import { passportApp, showError, type PassportApp } from '../helpers/passport-app.js';
import { Client, serve } from '../helpers/http.js';
import { remoteBackend } from '../helpers/remote-backend.js';

type Me = { user?: string; uid: string; isAuthenticated: boolean; data: Record<string, unknown> };

interface Opened extends PassportApp {
  readonly store: SessionStore;
  readonly client: () => Promise<Client>;
}

/** An application over a store that answers values, or promises. */
function open(t: ExecutionContext, isRemote: boolean): Opened {
  const store = new SessionStore();
  const opened = passportApp({ store: isRemote ? remoteBackend(store.backend) : store });
  let url: Promise<string> | undefined;
  const client = async (): Promise<Client> => {
    if (!url) {
      opened.app.use(showError);
      url = serve(t, opened.app);
    }
    return new Client(await url);
  };
  return { ...opened, store, client };
}

const me = async (client: Client): Promise<Me> => JSON.parse((await client.get('/me')).body) as Me;
const ANN = { username: 'ann', password: 'nna' };
const BOB = { username: 'bob', password: 'bob' };
const WRONG = { username: 'ann', password: 'wrong' };

/** The new ids that a client was given by a request. */
async function renewals(store: SessionStore, run: () => Promise<unknown>): Promise<string[]> {
  const seen: string[] = [];
  for (const name of ['created', 'regenerated', 'destroyed'] as const) store.on(name, () => seen.push(name));
  await run();
  await new Promise((resolve) => setTimeout(resolve, 30));
  return seen;
}

for (const isRemote of [false, true]) {
  const over = isRemote ? ' over a store that answers promises' : '';

  // Of fifteen steps two passed: `regenerate(callback)` threw, and what Passport set on the session was lost.
  test(`a visitor logs in, is known, and logs out${over}`, async (t) => {
    const { app, login, store, client } = open(t, isRemote);
    login('/login', {});
    app.post('/logout', (req, res, next) => {
      req.logout((error) => (error ? next(error) : res.send('logged out')));
    });
    const ann = await client();
    await ann.get('/put/cart/apple');
    const guest = ann.cookie;
    t.is((await ann.post('/login', ANN)).body, 'logged in');
    t.not(ann.cookie, guest, 'the login renews the id');
    t.deepEqual(await me(ann), { user: 'ann', uid: '1', isAuthenticated: true, data: { passport: { user: 1 } } });
    t.is((await (await client()).get('/me', { headers: { cookie: guest } })).body.includes('ann'), false);

    const user = ann.cookie;
    const out = await ann.post('/logout', {});
    t.is(out.body, 'logged out');
    t.is(store.size, 0, 'the session is over, wherever its cookie is');
    t.is(ann.cookie, '');
    const again = await client();
    t.is((await again.get('/me', { headers: { cookie: user } })).body.includes('ann'), false);
  });

  test(`a login renews the id once${over}`, async (t) => {
    const { login, store, client } = open(t, isRemote);
    login('/login', { keepSessionInfo: true });
    const ann = await client();
    t.deepEqual(await renewals(store, () => ann.post('/login', ANN)), ['created'], 'of a visitor without a session');
    await ann.post('/login', ANN);
    const other = await client();
    await other.get('/put/cart/apple');
    t.deepEqual(await renewals(store, () => other.post('/login', ANN)), ['regenerated']);
  });

  test(`keepSessionInfo keeps what the visitor's session had, and without it that is gone${over}`, async (t) => {
    const { login, client } = open(t, isRemote);
    login('/keep', { keepSessionInfo: true });
    login('/drop', {});
    for (const [path, data] of [
      ['/keep', { cart: 'apple', passport: { user: 1 } }],
      ['/drop', { passport: { user: 1 } }],
    ] as const) {
      const ann = await client();
      await ann.get('/put/cart/apple');
      await ann.post(path, ANN);
      t.deepEqual((await me(ann)).data, data, path);
    }
  });

  test(`logout with keepSessionInfo keeps the rest in a guest's session under a new id${over}`, async (t) => {
    const { app, login, store, client } = open(t, isRemote);
    login('/login', {});
    app.post('/logout', (req, res, next) => {
      req.logout({ keepSessionInfo: true }, (error) => (error ? next(error) : res.end()));
    });
    const ann = await client();
    await ann.post('/login', ANN);
    await ann.get('/put/theme/dark');
    const before = ann.cookie;
    await ann.post('/logout', {});
    t.deepEqual(await me(ann), { uid: 'Guest', isAuthenticated: false, data: { theme: 'dark', passport: {} } });
    t.not(ann.cookie, before);
    t.is(store.size, 1);
  });

  test(`another user's login shows nothing of the first one's session, even with keepSessionInfo${over}`, async (t) => {
    const { login, client } = open(t, isRemote);
    login('/login', { keepSessionInfo: true });
    const one = await client();
    await one.post('/login', ANN);
    await one.get('/put/secret/of-ann');
    await one.post('/login', BOB);
    t.deepEqual(await me(one), { user: 'bob', uid: '2', isAuthenticated: true, data: { passport: { user: 2 } } });
  });

  test(`a failed login logs nobody in and leaves its message${over}`, async (t) => {
    const { app, login, client } = open(t, isRemote);
    login('/401', {});
    login('/redirect', { failureRedirect: '/again', failureMessage: true });
    login('/error', { failWithError: true });
    app.get('/again', (req, res) => {
      const { messages } = req.session as unknown as { messages: string[] };
      res.json(messages);
    });
    const ann = await client();
    t.is((await ann.post('/401', WRONG)).status, 401);
    const redirect = await ann.post('/redirect', WRONG);
    t.deepEqual([redirect.status, redirect.headers.location], [302, '/again']);
    t.is((await ann.get('/again')).body, '["wrong name or password"]');
    await ann.post('/redirect', WRONG);
    t.is((await ann.get('/again')).body, '["wrong name or password","wrong name or password"]');
    const error = await ann.post('/error', WRONG);
    t.deepEqual([error.status, error.body], [401, 'Unauthorized']);
    t.is((await me(ann)).uid, 'Guest');
  });

  test(`successReturnToOrRedirect goes where the visitor wanted to go, once${over}`, async (t) => {
    const { login, client } = open(t, isRemote);
    login('/login', { successReturnToOrRedirect: '/home', keepSessionInfo: true });
    const ann = await client();
    await ann.get('/put/returnTo/account');
    t.is((await ann.post('/login', ANN)).headers.location, 'account');
    t.deepEqual((await me(ann)).data, { passport: { user: 1 } });
    t.is((await ann.post('/login', ANN)).headers.location, '/home');
  });

  test(`successRedirect and successMessage work, and the redirect never overtakes the session${over}`, async (t) => {
    const { login, client } = open(t, isRemote);
    login('/login', { successRedirect: '/me', successMessage: 'welcome', keepSessionInfo: true });
    const ann = await client();
    const { status, headers } = await ann.post('/login', ANN);
    t.deepEqual([status, headers.location], [302, '/me']);
    const { user, data } = await me(ann);
    t.deepEqual([user, data['messages']], ['ann', ['welcome']]);
  });

  test(`req.login logs in with a callback, and the promise of one${over}`, async (t) => {
    const { app, known, client } = open(t, isRemote);
    app.post('/callback', (req, res, next) => {
      req.login(known.get(1)!, (error) => (error ? next(error) : res.send(req.session.uid)));
    });
    app.post('/promise', async (req, res) => {
      await new Promise<void>((resolve, reject) => {
        req.logIn(known.get(2)!, { session: true, keepSessionInfo: true }, (error) =>
          error ? reject(error as Error) : resolve(),
        );
      });
      res.send(req.session.uid);
    });
    app.post('/no-session', (req, res, next) => {
      req.login(known.get(1)!, { session: false }, (error) => (error ? next(error) : res.send(req.session.uid)));
    });
    const one = await client();
    t.is((await one.post('/no-session', {})).body, 'Guest');
    t.is((await one.post('/callback', {})).body, '1');
    t.is((await me(one)).user, 'ann');
    t.is((await one.post('/promise', {})).body, '2');
    t.is((await me(one)).user, 'bob');
  });

  test(`req.login without a callback is Passport's own error${over}`, async (t) => {
    const { app, known, client } = open(t, isRemote);
    app.post('/login', (req, res) => {
      (req.login as unknown as (user: object) => void)(known.get(1)!);
      res.end();
    });
    const { status, body } = await (await client()).post('/login', {});
    t.is(status, 500);
    t.regex(body, /callback function/);
  });

  test(`a login in several steps keeps what the first one stored${over}`, async (t) => {
    const { app, known, client } = open(t, isRemote);
    app.post('/password', (req, res) => {
      (req.session as unknown as { pending: unknown }).pending = 1;
      res.send('code?');
    });
    app.post('/code', (req, res, next) => {
      const { pending } = req.session as unknown as { pending?: number };
      if (pending === undefined || (req.body as { code: string }).code !== '123') res.status(401).end();
      else req.login(known.get(pending)!, (error) => (error ? next(error) : res.send('logged in')));
    });
    const ann = await client();
    t.is((await ann.post('/code', { code: '123' })).status, 401);
    await ann.post('/password', {});
    t.is((await ann.post('/code', { code: '0' })).status, 401);
    t.is((await ann.post('/code', { code: '123' })).body, 'logged in');
    t.deepEqual(await me(ann), { user: 'ann', uid: '1', isAuthenticated: true, data: { passport: { user: 1 } } });
  });

  test(`the session of a user who is not there any more ends${over}`, async (t) => {
    const { login, known, store, client } = open(t, isRemote);
    login('/login', {});
    const ann = await client();
    await ann.post('/login', ANN);
    known.delete(1);
    t.deepEqual(await me(ann), { uid: 'Guest', isAuthenticated: false, data: {} });
    t.is(store.size, 0);
  });

  // A login whose user id the store does not accept must reach the callback: thrown there, it would end the process.
  test(`a login that cannot be stored is an error of the login${over}`, async (t) => {
    const store = new SessionStore();
    for (const [uid, message] of [
      [() => 'Guest', /user id/],
      [() => 7 as never, /user id is a string/],
    ] as const) {
      const { app, login } = passportApp({ store }, { uid });
      login('/login', {});
      app.use(showError);
      const ann = new Client(await serve(t, app));
      const { status, body } = await ann.post('/login', ANN);
      t.is(status, 500);
      t.regex(body, message);
      t.is((await me(ann)).uid, 'Guest');
    }
  });
}

// The callback was called before the store had ended the session, so that a failed logout was reported as one that succeeded.
test('a logout that the store refuses is an error of the logout', async (t) => {
  const store = new SessionStore();
  const backend = remoteBackend(store.backend);
  const { app, login } = passportApp({
    store: { ...backend, destroy: () => Promise.reject(new Error('the disk is gone')) },
  });
  login('/login', {});
  app.post('/logout', (req, res) => {
    req.logout((error) => res.status(error ? 503 : 200).send(String(error)));
  });
  app.use(showError);
  const ann = new Client(await serve(t, app));
  await ann.post('/login', ANN);
  const { status, body } = await ann.post('/logout', {});
  t.deepEqual([status, body], [503, 'Error: the disk is gone']);
});

test('serialized users may be strings, numbers and objects with an id, and anything with the option uid', async (t) => {
  for (const [serialized, options, uid] of [
    ['ann', undefined, 'ann'],
    [7, undefined, '7'],
    [{ id: 7, role: 'admin' }, undefined, '7'],
    [{ sub: 'x' }, { uid: (user: unknown) => (user as { sub: string }).sub }, 'x'],
  ] as const) {
    const { app, passport, known } = passportApp({}, options);
    app.post('/login', (req, res, next) => {
      passport.serializeUser((_user, done) => done(null, serialized));
      req.login(known.get(1)!, (error) => (error ? next(error) : res.send(req.session.uid)));
    });
    // The first serializer passes, as Passport calls it.
    Reflect.set(passport, '_serializers', []);
    app.use(showError);
    t.is((await new Client(await serve(t, app)).post('/login', {})).body, uid);
  }
});
