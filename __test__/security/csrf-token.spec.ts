/** Tokens against cross-site requests: good for one session between two logins, and for nothing else. */
import { randomBytes } from 'node:crypto';
import test from 'ava';
import express from 'express';
import { SessionManager, SessionStore, type Session, type SessionBackend } from 'agai-session';
import { session } from 'agai-session/express';
import { filesBelow, freshPath } from '../helpers/durable.js';
import { Client, serve } from '../helpers/http.js';
import { remoteBackend } from '../helpers/remote-backend.js';

const key = randomBytes(32);
const backends: [string, (store: SessionStore) => SessionStore | SessionBackend][] = [
  ['in memory', (store) => store],
  ['over a backend that answers promises', (store) => ({ ...remoteBackend(store.backend), tokenKey: key })],
];

for (const [where, over] of backends) {
  function open() {
    const store = new SessionStore();
    const manager = new SessionManager({ store: over(store) as SessionStore });
    const user = async (uid: string): Promise<Session> => {
      const session = manager.create();
      session.login(uid);
      await session.save();
      return session;
    };
    const again = async (session: Session): Promise<Session> => (await manager.load(session.id!))!;
    return { store, manager, user, again };
  }

  test(`S10 a CSRF token is void after a login, a new id and a logout, and good before, ${where}`, async (t) => {
    const { store, manager, again } = open();
    const session = manager.create();
    const first = await session.csrfToken();
    t.is(store.size, 1, 'the session is stored at once');
    t.regex(first, /^[\w-]{86}$/);
    session.set('n' as never, 1 as never);
    await session.save();
    t.true((await again(session)).verifyCsrf(first), 'writes do not matter');
    session.login('ann');
    t.true(session.verifyCsrf(first), 'the request that logs in was begun before the login');
    const second = await session.csrfToken();
    t.is((await again(session)).uid, 'ann', 'the login is written');
    t.deepEqual([session.verifyCsrf(first), session.verifyCsrf(second)], [false, true]);
    await session.regenerate();
    await session.save();
    const third = await session.csrfToken();
    t.deepEqual([session.verifyCsrf(second), session.verifyCsrf(third)], [false, true]);
    session.login('ann');
    await session.save();
    t.false((await again(session)).verifyCsrf(third), 'the same user again');
    const fourth = await session.csrfToken();
    await session.logout();
    t.false(session.verifyCsrf(fourth));
    t.false(manager.create().verifyCsrf(fourth), 'nor for a visitor without a session');
  });

  test(`S10 a CSRF token is another each time, and good for no other session, ${where}`, async (t) => {
    const { user } = open();
    const [ann, alsoAnn, bob] = [await user('ann'), await user('ann'), await user('bob')];
    const tokens = await Promise.all(Array.from({ length: 200 }, () => ann.csrfToken()));
    t.is(new Set(tokens).size, 200);
    for (const token of tokens) {
      t.deepEqual(
        [ann, alsoAnn, bob].map((session) => session.verifyCsrf(token)),
        [true, false, false],
      );
    }
    for (let at = 0; at < 86; at += 1) {
      const [token] = tokens as [string];
      const other = token[at] === 'A' ? 'E' : 'A';
      const altered = token.slice(0, at) + other + token.slice(at + 1);
      // The last character has four bits that mean nothing.
      if (at < 85) t.false(ann.verifyCsrf(altered), `character ${at}`);
    }
  });

  test(`S10 verifyCsrf is false for anything else, and never throws, ${where}`, async (t) => {
    const { user } = open();
    const session = await user('ann');
    const token = await session.csrfToken();
    const rubbish: unknown[] = [
      undefined,
      null,
      '',
      'x',
      7,
      true,
      {},
      [],
      [token],
      { toString: () => token },
      Symbol('s'),
      token + '=',
      ` ${token}`,
      `${token}\n`,
      token.slice(1),
      token + token,
      'A'.repeat(86),
      'x'.repeat(1 << 20),
      '漢'.repeat(86),
      Buffer.from(token),
      session.id,
      session.handle,
    ];
    for (const value of rubbish) t.false(session.verifyCsrf(value));
    t.true(session.verifyCsrf(token));
  });
}

test('S10 a CSRF token outlives a restart of a store on disk, and its key is in no other place than the files', async (t) => {
  const path = freshPath(t);
  const first = await SessionStore.open({ path });
  const { id } = await first.create({}, { uid: 'ann' });
  const before = (await new SessionManager({ store: first }).load(id))!;
  const token = await before.csrfToken();
  const key = Buffer.from(first.backend.tokenKey!);
  t.is(key.length, 32);
  await first.close();
  t.true(filesBelow(path).some(({ bytes }) => bytes.includes(key)));
  const second = await SessionStore.open({ path });
  const after = (await new SessionManager({ store: second }).load(id))!;
  t.true(after.verifyCsrf(token));
  t.deepEqual(Buffer.from(second.backend.tokenKey!), key);
  await second.close();
  const other = await SessionStore.open({ path: freshPath(t) });
  t.notDeepEqual(Buffer.from(other.backend.tokenKey!), key, 'each store has its own');
  await other.close();
});

test('a backend without a key is told so, and a key that is too short is refused', async (t) => {
  const store = new SessionStore();
  const session = new SessionManager({ store: remoteBackend(store.backend) }).create();
  await t.throwsAsync(async () => session.csrfToken(), { code: 'ERR_SESSION_BACKEND', message: /tokenKey/ });
  t.false(session.verifyCsrf('A'.repeat(86)));
  for (const tokenKey of [new Uint8Array(31), 'x'.repeat(32)]) {
    t.throws(() => new SessionManager({ store: { ...remoteBackend(store.backend), tokenKey: tokenKey as never } }), {
      instanceOf: TypeError,
      message: /tokenKey must be at least 32 random bytes/,
    });
  }
});

test('a form with a token is accepted over HTTP, also before the store on disk is open, and one without it is not', async (t) => {
  const app = express().use(session({ path: freshPath(t), cookie: { secure: false } }), express.urlencoded());
  app.get('/', async (req, res) => void res.send(await req.session.csrfToken()));
  app.post('/', (req, res) => {
    const { token } = req.body as { token?: unknown };
    res.status(req.session.verifyCsrf(token) ? 200 : 403).end();
  });
  const client = new Client(await serve(t, app));
  const page = await client.get('/');
  t.is(page.cookies.length, 1, 'a visitor gets a session with the form');
  t.is((await client.post('/', { token: page.body })).status, 200);
  t.is((await client.post('/', { token: page.body })).status, 200, 'again');
  t.is((await client.post('/', {})).status, 403);
  client.jar.clear();
  t.is((await client.post('/', { token: page.body })).status, 403, 'without the cookie');
});

test('a token that is asked for while the session ends is refused with a code, and a key may come late', async (t) => {
  const store = new SessionStore();
  const inner = remoteBackend(store.backend);
  const late: { key?: Uint8Array } = {};
  const backend: SessionBackend = Object.defineProperty({ ...inner }, 'tokenKey', {
    get: () => late.key,
    enumerable: true,
  });
  const manager = new SessionManager({ store: backend });
  const session = manager.create();
  session.login('ann');
  const token = Promise.resolve(session.csrfToken());
  const [refused] = await Promise.allSettled([token, session.logout()]);
  t.is((refused as PromiseRejectedResult).reason.code, 'ERR_SESSION_GONE');
  const other = manager.create();
  await t.throwsAsync(async () => other.csrfToken(), { code: 'ERR_SESSION_BACKEND' });
  late.key = randomBytes(32);
  t.true(other.verifyCsrf(await other.csrfToken()));
});
