/** The life of a session: when its token changes, when it ends, and that nothing brings it back. */
import * as fc from 'fast-check';
import test, { type ExecutionContext } from 'ava';
import { SessionManager, SessionStore, type CookieOptions, type Session } from 'agai-session';
import { ManualClock } from 'agai-session/testing';
import { kinds, read, visit } from '../helpers/apps.js';
import { openStore } from '../helpers/durable.js';
import { Client, deferred, request, serve } from '../helpers/http.js';
import { OVER_TLS, productionApp } from '../helpers/production.js';
import { remoteBackend } from '../helpers/remote-backend.js';

type Data = Record<string, unknown>;

for (const { name, app } of kinds) {
  test(`S10 ${name}: login, another login and a change of rights give a new id; the old one is dead, the data is kept`, async (t) => {
    const store = new SessionStore();
    const url = await serve(t, app({ store }, visit));
    const client = new Client(url);
    await client.get('/write');
    const { handle } = [...store.sessions()][0]!;
    const seen = [client.cookie];
    for (const path of ['/login', '/login', '/renew']) {
      t.is((await client.get(path)).cookies.length, 1, path);
      t.false(seen.includes(client.cookie), `${path} renews`);
      seen.push(client.cookie);
      t.is((await client.get('/')).body, '["ann",{"n":1}]', path);
    }
    t.is(seen.pop(), client.cookie);
    for (const cookie of seen) {
      // Neither read, nor renewed, nor ended by it.
      for (const path of ['/', '/renew', '/logout']) {
        const answer = await request(url + path, { headers: { cookie } });
        t.deepEqual([answer.body, answer.cookies], ['["Guest",{}]', []]);
      }
    }
    t.is((await client.get('/')).body, '["ann",{"n":1}]');
    t.is([...store.sessions()][0]!.handle, handle, 'it is the same session');
  });
}

test('S11 one call of login() renews the id, and records the user and the time', async (t) => {
  const clock = new ManualClock(1_000_000);
  const store = new SessionStore({ clock });
  const manager = new SessionManager<Data>({ store });
  const url = await serve(t, async (req, res) => {
    const session = await manager.start(req, res);
    if (req.url === '/login') session.login('ann');
    else if (req.url === '/write') session.data['n'] = 1;
    const { uid, authenticatedAt } = session;
    res.end(JSON.stringify([uid, session.isLoggedIn(), authenticatedAt?.getTime()]));
  });
  const client = new Client(url);
  t.is((await client.get('/write')).body, '["Guest",false,null]');
  const guest = client.jar.get('id')!;
  clock.advance('1m');
  await client.get('/login');
  t.is((await client.get('/')).body, '["ann",true,1060000]');
  const id = client.jar.get('id')!;
  t.not(id, guest);
  t.false(store.has(guest));
  t.like(store.get(id), { uid: 'ann', authenticatedAt: 1_060_000 });
  clock.advance('1m');
  await client.get('/write');
  t.is((await client.get('/')).body, '["ann",true,1060000]', 'nothing but a login changes the time');
  await client.get('/login');
  t.is((await client.get('/')).body, '["ann",true,1120000]');
});

/** Every way to come to a session by its id. Each tells whether it found one. */
const ways: Record<string, (store: SessionStore, id: string) => boolean | Promise<boolean>> = {
  has: (store, id) => store.has(id),
  get: (store, id) => store.get(id) !== undefined,
  load: async (store, id) => (await new SessionManager({ store }).load(id)) !== undefined,
  touch: (store, id) => store.touch(id),
  commit: async (store, id) => (await store.commit(id, undefined, {})).status === 'ok',
  update: async (store, id) => (await store.update(id, () => {})) !== undefined,
  regenerate: async (store, id) => (await store.regenerate(id, { uid: 'eve' })) !== undefined,
  destroy: (store, id) => store.destroy(id),
  list: (store, id) => [...store.sessions()].some(({ handle }) => id.startsWith(handle)),
};

for (const onDisk of [false, true]) {
  const where = onDisk ? 'on disk' : 'in memory';
  const open = async (t: ExecutionContext): Promise<{ clock: ManualClock; store: SessionStore; client: Client }> => {
    const clock = new ManualClock(1_000_000);
    const options = { clock, idleTimeout: '30m', absoluteTimeout: '2h' } as const;
    const store = onDisk ? ((await openStore(t, options)) as unknown as SessionStore) : new SessionStore(options);
    return { clock, store, client: new Client(await serve(t, kinds[2]!.app({ store }, visit))) };
  };

  test(`S12 ${where}: at the idle deadline no read finds the session, although the client still has its cookie`, async (t) => {
    const { clock, store, client } = await open(t);
    await client.get('/login');
    for (let n = 0; n < 3; n++) {
      clock.advance(30 * 60_000 - 1);
      t.is((await client.get('/')).body, '["ann",{}]', 'activity moves the deadline');
    }
    clock.advance('1m');
    // Of each session the first that anybody hears after its deadline is one of these calls.
    const ids = new Map<string, string>();
    for (const way of Object.keys(ways)) ids.set(way, (await store.create({})).id);
    clock.advance(30 * 60_000 - 1);
    for (const id of ids.values()) t.true(store.has(id));
    clock.advance(1);
    for (const [way, find] of Object.entries(ways)) t.false(await find(store, ids.get(way)!), way);
    const { cookie } = client;
    t.is((await client.get('/write')).body, '["Guest",{"n":1}]');
    t.not(client.cookie, cookie, 'and the old id is not used again');
  });

  test(`S13 ${where}: neither activity nor a new id moves the absolute deadline`, async (t) => {
    const { clock, store, client } = await open(t);
    await client.get('/login');
    const ids = new Map<string, string>();
    for (const way of Object.keys(ways)) ids.set(way, (await store.create({})).id);
    for (const path of ['/', '/write', '/renew', '/', '/renew']) {
      clock.advance('20m');
      t.regex((await client.get(path)).body, /^\["ann"/);
      for (const [way, id] of ids) {
        await store.touch(id);
        if (path === '/renew') ids.set(way, (await store.regenerate(id))!.id);
      }
    }
    clock.advance(20 * 60_000 - 1);
    t.regex((await client.get('/')).body, /^\["ann"/);
    for (const id of ids.values()) t.true(store.has(id));
    clock.advance(1);
    for (const [way, find] of Object.entries(ways)) t.false(await find(store, ids.get(way)!), way);
    t.is((await client.get('/')).body, '["Guest",{}]');
  });
}

test('S13 a login restarts the absolute timeout, and nothing else does', async (t) => {
  const clock = new ManualClock(1_000_000);
  const store = new SessionStore({ clock, idleTimeout: '30m', absoluteTimeout: '1h' });
  const manager = new SessionManager<Data>({ store });
  const session = manager.create();
  session.data = { n: 1 };
  void session.save();
  const again = async (): Promise<Session<Data>> => (await manager.load(session.id!))!;
  clock.advance('25m');
  const active = await again();
  t.is(active.expirationTime!.getTime(), clock.now() + 30 * 60_000, 'the idle deadline moves with activity');
  clock.advance('25m');
  const late = await again();
  t.is(late.expirationTime!.getTime(), clock.now() + 10 * 60_000, 'the absolute one does not');
  await late.touch({ idleTimeout: '9h' });
  t.is(late.expirationTime!.getTime(), clock.now() + 10 * 60_000, 'nor by an idle timeout of its own');
  await late.touch({ idleTimeout: '30m' });
  late.regenerate();
  void late.save();
  t.is(late.expirationTime!.getTime(), clock.now() + 10 * 60_000, 'nor by a new id');
  late.login('ann');
  void late.save();
  t.is(late.expirationTime!.getTime(), clock.now() + 30 * 60_000);
});

test('S17 no session comes back after a logout, in any order of a thousand slow writes and logouts', async (t) => {
  for (const remote of [false, true]) {
    const store = new SessionStore();
    const manager = new SessionManager<Data>({ store: remote ? remoteBackend(store.backend) : store });
    const run = fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 4 }), async (s, writers) => {
      const { id } = store.create({ n: 0 });
      const work = Array.from({ length: writers }, async (_, n) => {
        const session = await manager.load(id);
        await s.schedule(Promise.resolve(), `writer ${n} has loaded`);
        if (!session) return;
        session.data[`key${n}`] = n;
        if (n % 2 === 1) session.regenerate();
        try {
          await session.save();
        } catch (error) {
          if ((error as { code?: string }).code !== 'ERR_SESSION_GONE') throw error;
        }
        await s.schedule(Promise.resolve(), `writer ${n} has written`);
        if (session.id !== undefined) await session.logout();
      });
      const out = (async () => {
        const session = await manager.load(id);
        await s.schedule(Promise.resolve(), 'logout has loaded');
        await session?.logout();
      })();
      await s.waitFor(Promise.all([...work, out]));
      return store.size === 0;
    });
    await fc.assert(run, { numRuns: 500 });
    t.is(store.size, 0);
  }
});

for (const { name, app } of kinds) {
  test(`S17 ${name}: a logout during a slow request is final: record and cookie are gone, and the slow request sets none`, async (t) => {
    const store = new SessionStore();
    const [gate, arrived] = [deferred(), deferred()];
    const url = await serve(
      t,
      app({ store }, async (req, res) => {
        if (req.url === '/slow') {
          arrived.resolve();
          await gate.promise;
        }
        if (req.url === '/logout') await req.session.logout();
        else req.session.data['n'] = req.url;
        res.end();
      }),
    );
    const client = new Client(url);
    await client.get('/begin');
    const slow = client.get('/slow');
    await arrived.promise;
    const out = await client.get('/logout');
    t.regex(out.cookies[0]!, /^id=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0;/);
    t.is(client.cookie, '');
    gate.resolve();
    const answer = await slow;
    t.deepEqual([answer.status, answer.cookies, store.size], [200, [], 0]);
  });
}

/** Cookies that are removed with different attributes. */
const removed: CookieOptions[] = [
  {},
  { secure: true, sameSite: 'strict' },
  { name: 'sid', secure: false, path: '/app' },
  { name: '__Secure-sid', secure: true, path: '/app', domain: 'example.com', sameSite: 'strict' },
  {
    name: 'sid',
    path: '/app',
    domain: 'example.com',
    sameSite: 'none',
    secure: true,
    httpOnly: false,
    partitioned: true,
  },
];

for (const cookie of removed) {
  test(`S18 the cookie that removes the session's repeats its name and attributes: ${JSON.stringify(cookie)}`, async (t) => {
    for (const end of ['/logout', '/destroy']) {
      const url = await serve(t, productionApp({ cookie }, visit));
      const [set] = (await request(`${url}/login`, { headers: OVER_TLS })).cookies;
      const [, name, attributes] = /^([^=]+)=[\w-]{43}(; .*)$/.exec(set!)!;
      const { name: given = name, path = '/', domain } = cookie;
      t.is(name, given);
      t.true(`${attributes};`.includes(`; Path=${path};`));
      t.is(attributes!.includes('Domain='), domain !== undefined);
      const headers = { ...OVER_TLS, cookie: set!.split(';')[0]! };
      const { cookies } = await request(url + end, { headers });
      t.deepEqual(cookies, [`${name}=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0${attributes}`], end);
    }
  });
}

test('S18 the cookie has the configured attributes, all of them', async (t) => {
  const url = await serve(t, productionApp({ cookie: removed.at(-1)! }, visit));
  const [set] = (await request(`${url}/login`, { headers: OVER_TLS })).cookies;
  t.is(set!.replace(/=[\w-]{43}/, '='), 'sid=; Path=/app; Domain=example.com; SameSite=None; Partitioned; Secure');
});

for (const { name, app } of kinds) {
  for (const remote of [false, true]) {
    test(`S25 ${name}${remote ? ' over a store that answers promises' : ''}: a visitor who writes nothing gets no session and no cookie`, async (t) => {
      const store = new SessionStore();
      const url = await serve(t, app({ store: remote ? remoteBackend(store.backend) : store }, read));
      const answer = await request(`${url}/?q=1`);
      t.deepEqual([answer.body, answer.cookies, store.size], ['{}', [], 0]);
    });
  }
}

test('S25 a thousand visitors who look at everything and write nothing leave nothing behind', async (t) => {
  const store = new SessionStore();
  const app = kinds[2]!.app({ store }, async (req, res) => {
    const { session } = req;
    void [session.uid, session.id, session.handle, session.isNew, session.createdAt, session.expirationTime];
    void [session.data['n'], session.get('n'), session.has('n'), session.keys(), session.getParameters];
    session.delete('n');
    session.set('n', undefined);
    session.data = {};
    await session.save();
    await session.touch();
    await session.reload();
    await session.logout();
    res.end(session.uid);
  });
  const url = await serve(t, app);
  for (let n = 0; n < 1_000; n++) {
    const { body, cookies } = await request(`${url}/?q=${n}`);
    if (body !== 'Guest' || cookies.length > 0) t.fail(`${body} ${cookies}`);
  }
  const { created, sessions, bytes } = store.stats();
  t.deepEqual({ created, sessions, bytes }, { created: 0, sessions: 0, bytes: 0 });
});
