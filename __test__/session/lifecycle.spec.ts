/** What a session is to its user: guest, logged in, logged out, ended; its times; its data. */
import { inspect } from 'node:util';
import test from 'ava';
import { SessionError, SessionManager, SessionStore, type Session } from 'agai-session';
import { ManualClock } from 'agai-session/testing';
import { kinds, type Route } from '../helpers/apps.js';
import { Client, serve } from '../helpers/http.js';
import { remoteBackend } from '../helpers/remote-backend.js';

type Data = Record<string, unknown>;

function open(options = {}): { clock: ManualClock; store: SessionStore; manager: SessionManager<Data> } {
  const clock = new ManualClock(1_000_000);
  const store = new SessionStore({ clock, ...options });
  return { clock, store, manager: new SessionManager<Data>({ store }) };
}

/** A session that is stored. */
function stored(manager: SessionManager<Data>, data: Data = { n: 1 }): Session<Data> {
  const session = manager.create();
  session.data = data;
  void session.save();
  return session;
}

async function again(manager: SessionManager<Data>, session: Session<Data>): Promise<Session<Data>> {
  return (await manager.load(session.id!))!;
}

test('a new session is a guest’s, and is not stored before something is written', (t) => {
  const { store, manager } = open();
  const session = manager.create();
  t.deepEqual(
    [session.uid, session.isAuthenticated, session.isLoggedIn(), session.isNew],
    ['Guest', false, false, true],
  );
  t.deepEqual([session.id, session.handle, session.data], [undefined, undefined, {}]);
  void session.save();
  t.is(store.size, 0);
  session.data['cart'] = ['apple'];
  void session.save();
  t.is(store.size, 1);
  t.false(session.isNew);
  t.deepEqual(store.get(session.id!)!.data, { cart: ['apple'] });
});

test('a session can be created, logged in, used and logged out, as in the original', async (t) => {
  const { store, manager } = open();
  const session = manager.create();
  session.login('ann');
  t.deepEqual([session.uid, session.isLoggedIn()], ['ann', true], 'at once for this request');
  void session.save();
  const id = session.id!;
  t.is(store.get(id)!.uid, 'ann');
  t.true(session.authenticatedAt instanceof Date);
  await session.logout();
  t.deepEqual([session.uid, session.isLoggedIn(), session.id], ['Guest', false, undefined]);
  t.is(store.get(id), undefined);
  t.is(await manager.load(id), undefined);
});

test('the data of one user is not shown to the next one who logs in', async (t) => {
  const { manager } = open();
  const session = stored(manager, { cart: ['apple'] });
  session.login('ann');
  void session.save();
  const next = await again(manager, session);
  next.login('bob');
  void next.save();
  t.deepEqual((await again(manager, next)).data, {});
  t.not(next.handle, session.handle, 'it is another session');
  t.is(await manager.load(session.id!), undefined);
});

test('a login can have an absolute timeout of its own', async (t) => {
  const { clock, manager } = open({ absoluteTimeout: '8h' });
  for (const session of [manager.create(), stored(manager)]) {
    session.login('ann', { absoluteTimeout: '30d' });
    const deadline = clock.now() + 30 * 24 * 3_600_000;
    session.touch({ idleTimeout: Infinity });
    t.is(session.expirationTime!.getTime(), deadline, 'shown before it is written');
    void session.save();
    t.is((await again(manager, session)).expirationTime!.getTime(), deadline);
  }
  const session = manager.create();
  t.throws(() => session.login('ann', { absoluteTimeout: 'soon' as never }), { instanceOf: TypeError });
  t.throws(() => session.login('ann', { remember: true } as never), { message: /remember/ });
  t.is(session.uid, 'Guest', 'a login that is refused changes nothing');
});

// A change that another request of the old user made in between was merged into the new user's session.
test("data that the first user's other requests add meanwhile is not shown to the next one either", async (t) => {
  const { store, manager } = open();
  const { id } = store.create({ cart: 1 }, { uid: 'ann' });
  const login = (await manager.load(id))!;
  const other = (await manager.load(id))!;
  login.login('bob');
  login.data['mine'] = true;
  other.data['secretOfAnn'] = 1;
  await other.save();
  await login.save();
  t.deepEqual([store.get(login.id!)!.uid, store.get(login.id!)!.data], ['bob', { mine: true }]);
});

// A login form that is sent twice, or whose guest session was evicted during a slow password check, logged nobody in.
test('a login whose session ended meanwhile begins a new session with none of the old data', async (t) => {
  for (const remote of [false, true]) {
    const { store } = open();
    const manager = new SessionManager<Data>({ store: remote ? remoteBackend(store.backend) : store });
    const { id } = store.create({ old: 1 });
    const session = (await manager.load(id))!;
    store.destroy(id);
    session.data['return'] = '/cart';
    session.login('ann');
    await session.save();
    t.deepEqual([store.get(session.id!)!.uid, store.get(session.id!)!.data], ['ann', { return: '/cart' }]);
    t.is(store.size, 1);
  }
});

test('a login that is not written yet already shows the times it will have', (t) => {
  const { clock, manager } = open({ guestIdleTimeout: '1m', idleTimeout: '30m' });
  const session = stored(manager);
  t.is(session.expirationTime!.getTime(), clock.now() + 60_000);
  t.is(session.authenticatedAt, undefined);
  session.login('ann');
  t.is(session.expirationTime!.getTime(), clock.now() + 30 * 60_000);
  t.is(session.authenticatedAt!.getTime(), clock.now());
});

test('an id that is not a string is refused, and the error names it', (t) => {
  const { manager } = open();
  for (const id of [undefined, null, 5] as never[]) {
    t.throws(() => manager.load(id), { instanceOf: TypeError, message: /option id/ });
    t.throws(() => manager.remove(id), { instanceOf: TypeError, message: /option id/ });
  }
});

test('a session can have an idle timeout of its own, which a login in the same request keeps', async (t) => {
  const { clock, store, manager } = open();
  const session = stored(manager);
  await session.touch({ idleTimeout: '10s' });
  t.is(session.expirationTime!.getTime(), clock.now() + 10_000);
  session.login('ann');
  void session.save();
  t.is(store.get(session.id!)!.idleTimeout, 10_000);
  clock.advance('10s');
  t.is(await manager.load(session.id!), undefined);
});

test('a session without timeouts has no expiration time', (t) => {
  const { manager } = open({ idleTimeout: Infinity, absoluteTimeout: Infinity });
  t.is(stored(manager).expirationTime, undefined);
});

test('after destroy every use of the session object fails as gone', async (t) => {
  const { store, manager } = open();
  const session = stored(manager);
  await session.destroy();
  await session.destroy();
  t.is(store.size, 0);
  for (const use of [
    () => session.data,
    () => session.login('ann'),
    () => session.regenerate(),
    () => session.logout(),
    () => session.touch(),
  ]) {
    t.throws(use, { instanceOf: SessionError, code: 'ERR_SESSION_GONE' });
  }
  t.is(session.uid, 'Guest');
  void session.save();
  t.is(store.size, 0);
});

test("after logout the session object is a new guest's, with an id of its own", async (t) => {
  const { store, manager } = open();
  const session = stored(manager);
  const before = session.id;
  await session.logout();
  session.data['flash'] = 'good bye';
  void session.save();
  t.not(session.id, before);
  t.deepEqual(store.get(session.id!)!.data, { flash: 'good bye' });
});

test('saving a session that ended meanwhile is an error, and does not bring it back', async (t) => {
  const { store, manager } = open();
  const session = stored(manager);
  const slow = await again(manager, session);
  await session.logout();
  slow.data['late'] = true;
  await t.throwsAsync(async () => slow.save(), { instanceOf: SessionError, code: 'ERR_SESSION_GONE' });
  t.is(store.size, 0);
  await slow.save();
  t.is(store.size, 0, 'nor does a second try');
});

test('an invalid user id is refused', (t) => {
  const session = open().manager.create();
  for (const uid of ['', 'Guest', 'u'.repeat(256)]) {
    t.throws(() => session.login(uid), { code: 'ERR_SESSION_UID' }, uid.slice(0, 10));
  }
  for (const uid of [undefined, null, 7, {}]) t.throws(() => session.login(uid as string), { instanceOf: TypeError });
  t.false(session.isLoggedIn());
  session.login('u'.repeat(255));
  session.login('Zoë Ж 👍');
  void session.save();
  t.is(session.uid, 'Zoë Ж 👍');
});

test('data that cannot be stored is refused, and the stored data is unchanged', async (t) => {
  const { store, manager } = open({ maxSessionBytes: 1_000 });
  const session = stored(manager, { n: 1 });
  const circular: Data = {};
  circular['self'] = circular;
  const wrong: [unknown, string][] = [
    [circular, 'ERR_SESSION_DATA'],
    [{ n: 1n }, 'ERR_SESSION_DATA'],
    [{ toJSON: () => 7 }, 'ERR_SESSION_DATA'],
    [{ toJSON: () => undefined }, 'ERR_SESSION_DATA'],
    [{ text: 'x'.repeat(1_000) }, 'ERR_SESSION_TOO_LARGE'],
    [{ text: 'ж'.repeat(500) }, 'ERR_SESSION_TOO_LARGE'],
  ];
  for (const [data, code] of wrong) {
    const next = await again(manager, session);
    next.data = data as Data;
    await t.throwsAsync(async () => next.save(), { instanceOf: SessionError, code });
  }
  for (const data of [null, undefined, [], 'text', () => 1]) {
    t.throws(() => (session.data = data as never), { code: 'ERR_SESSION_DATA' });
  }
  t.deepEqual(store.get(session.id!)!.data, { n: 1 });
  t.is(store.get(session.id!)!.version, 1);
});

test('neither the JSON nor the logged form of a session shows its id', (t) => {
  const session = stored(open().manager);
  for (const text of [
    JSON.stringify(session),
    inspect(session),
    inspect({ session }, { depth: 9, showHidden: true }),
  ]) {
    t.false(text.includes(session.id!), text);
    t.true(text.includes(session.handle!), text);
  }
});

for (const { name, app } of kinds) {
  for (const remote of [false, true]) {
    test(`${name}${remote ? ' over an asynchronous store' : ''}: a visitor arrives, logs in, works and logs out`, async (t) => {
      const store = new SessionStore();
      const routes: Record<string, Route> = {
        '/': (req, res) => res.end(JSON.stringify([req.session.uid, req.session.data])),
        '/add': (req, res) => {
          req.session.data['n'] = ((req.session.data['n'] as number) ?? 0) + 1;
          res.end();
        },
        '/login': (req, res) => {
          req.session.login('ann');
          res.writeHead(303, { Location: '/' }).end();
        },
        '/logout': async (req, res) => {
          await req.session.logout();
          res.end();
        },
      };
      const backend = remote ? remoteBackend(store.backend) : store;
      const client = new Client(
        await serve(
          t,
          app({ store: backend }, (req, res) => routes[req.url!]!(req, res)),
        ),
      );
      t.is((await client.get('/')).body, '["Guest",{}]');
      await client.get('/add');
      const guest = client.cookie;
      await client.get('/add');
      t.is(client.cookie, guest, 'the id stays while nobody logs in');
      t.is((await client.get('/')).body, '["Guest",{"n":2}]');
      const login = await client.get('/login');
      t.deepEqual([login.status, login.cookies.length], [303, 1]);
      t.not(client.cookie, guest);
      t.is((await client.get('/')).body, '["ann",{"n":2}]', 'the redirect never overtakes the session');
      t.is((await client.get('/', { headers: { cookie: guest } })).body, '["Guest",{}]', 'the old id is dead');
      const logout = await client.get('/logout');
      t.deepEqual(logout.cookies, [
        'id=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; HttpOnly; SameSite=Lax',
      ]);
      t.is((await client.get('/')).body, '["Guest",{}]');
      t.is(store.size, 0);
    });
  }
}
