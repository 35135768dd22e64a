/** Cookies that somebody else planted, and names that browsers check. */
import test from 'ava';
import express from 'express';
import { SessionManager, SessionStore, type CookieOptions, type SessionBackend } from 'agai-session';
import { session } from 'agai-session/express';
import { request, serve } from '../helpers/http.js';
import { remoteBackend } from '../helpers/remote-backend.js';

const backends: [string, (store: SessionStore) => SessionStore | SessionBackend][] = [
  ['in memory', (store) => store],
  ['over a backend that answers promises', (store) => remoteBackend(store.backend)],
];

for (const [where, over] of backends) {
  // The first eight once counted: an attacker's cookie, seven more of that name, and the victim's own logged the victim in as the attacker.
  test(`S35 beyond 64 cookies of our name none is believed, ${where}`, async (t) => {
    const store = new SessionStore();
    const [attacker, victim] = [store.create({}, { uid: 'mallory' }), store.create({}, { uid: 'ann' })];
    const app = express().use(
      session({ store: over(store) as SessionStore, cookie: { secure: false } }),
      (req, res) => {
        res.end(req.session.uid);
      },
    );
    const url = await serve(t, app);
    const who = async (cookies: readonly string[]): Promise<string> =>
      (await request(url, { headers: { cookie: cookies.join('; ') } })).body;
    const junk = (count: number): string[] => Array.from({ length: count }, () => 'id=x');
    const [planted, own] = [`id=${attacker.id}`, `id=${victim.id}`];
    t.is(await who([...junk(63), own]), 'ann', 'each of the first 64 is tried');
    t.is(await who([planted, ...junk(7), own]), 'Guest', 'two live ones: nobody wins');
    t.is(await who([planted, ...junk(62), own]), 'Guest');
    t.is(await who([planted, ...junk(63), own]), 'Guest', 'beyond the bound none is believed');
    t.is(await who([planted, ...junk(64)]), 'Guest');
    t.is(await who([planted, ...Array.from({ length: 1_000 }, (_, n) => `a${n}=`), own]), 'Guest');
    const dead = Array.from({ length: 62 }, (_, n) => `id=${String(n).padStart(42, 'A')}A`);
    t.is(await who([...dead, own]), 'ann', 'dead ones do not keep the user out');
  });
}

test('S28 S29 the prefixes __Http- and __Host-Http- are checked as browsers check them, in any case', (t) => {
  const make = (cookie: object) => () => new SessionManager({ cookie });
  for (const name of ['__Http-id', '__http-id', '__Host-Http-id', '__HOST-hTTP-id']) {
    t.notThrows(make({ name }));
    t.notThrows(make({ name, secure: true }));
    t.throws(make({ name, secure: false }), { instanceOf: TypeError, message: /the prefix needs a secure cookie/ });
    t.throws(make({ name, httpOnly: false }), { instanceOf: TypeError, message: /need httpOnly/ });
    const isHost = /^__host-/i.test(name);
    for (const scope of [{ path: '/shop' }, { domain: 'example.com' }]) {
      if (isHost) t.throws(make({ name, ...scope }), { instanceOf: TypeError, message: /path '\/' and no domain/ });
      else t.notThrows(make({ name, ...scope }));
    }
  }
  t.notThrows(make({ name: 'Http-id', httpOnly: false, secure: false }), 'no prefix');
});

test('S36 with trustProxy as a number of hops, what a client writes into X-Forwarded-Proto does not count', async (t) => {
  const names = async (trustProxy: boolean | number, forwarded: string): Promise<string> => {
    const manager = new SessionManager({ trustProxy });
    const app = express().use(async (req, res) => {
      const session = await manager.start(req, res);
      session.set('n', 1);
      res.end();
    });
    const { cookies } = await request(await serve(t, app), { headers: { 'x-forwarded-proto': forwarded } });
    return cookies[0]!.split('=')[0]!;
  };
  const [secure, plain] = ['__Host-id', 'id'];
  t.is(await names(false, 'https'), plain);
  t.is(await names(true, 'https, http'), secure, 'all are trusted: the first counts');
  t.is(await names(1, 'https'), secure);
  t.is(await names(1, 'https, http'), plain, 'the client wrote https, the one proxy saw http');
  t.is(await names(2, 'http, https, http'), secure, 'the outer proxy saw https, the inner one http');
  t.is(await names(2, 'https, http, http'), plain);
  t.is(await names(3, 'https'), secure, 'a proxy may set the header anew');
  for (const wrong of [0, -1, 1.5, Number.NaN, 101, '1', null]) {
    t.throws(() => new SessionManager({ trustProxy: wrong as never }), { message: /^option trustProxy: / });
  }
});

test('S35 a login removes the cookies of our name that a subdomain planted, so that they keep nobody out for good', async (t) => {
  const loginAt = async (
    cookie: CookieOptions,
    headers: Record<string, string>,
    path = '/',
  ): Promise<readonly string[]> => {
    const app = express().use(session({ cookie }), (req, res) => {
      req.session.login('ann');
      res.end();
    });
    return (await request((await serve(t, app)) + path, { headers })).cookies.map((text) =>
      text.replace(/=[\w-]{43};/, '=ID;'),
    );
  };
  const gone = 'id=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/';
  const own = 'id=ID; Path=/; HttpOnly; SameSite=Lax';
  const plain = { secure: false } as const;
  const host = 'Shop.Example.co.uk:8080';
  const two = 'id=x; theme=dark; id=y';
  t.deepEqual(await loginAt(plain, { host, cookie: two }), [
    `${gone}; Domain=shop.example.co.uk`,
    `${gone}; Domain=example.co.uk`,
    `${gone}; Domain=co.uk`,
    own,
  ]);
  t.deepEqual(
    await loginAt(plain, { host, cookie: 'id=x; xid=y; theme=id=z' }),
    [own],
    'one cookie: nothing is planted beside it',
  );
  t.deepEqual(
    await loginAt({ ...plain, domain: 'example.co.uk' }, { host, cookie: two }),
    [
      `${gone}; Domain=shop.example.co.uk`,
      `${gone}; Domain=co.uk`,
      gone,
      'id=ID; Path=/; Domain=example.co.uk; HttpOnly; SameSite=Lax',
    ],
    'ours stays',
  );
  const below = await loginAt({ ...plain, path: '/shop' }, { host: 'a.example', cookie: two });
  t.deepEqual(below, [
    `${gone}shop; Domain=a.example`,
    `${gone}; Domain=a.example`,
    'id=ID; Path=/shop; HttpOnly; SameSite=Lax',
  ]);
  for (const strange of ['127.0.0.1:80', '[::1]:80', 'localhost', 'a;b.example', 'a..b', '-', `${'a.'.repeat(200)}b`]) {
    t.deepEqual(await loginAt(plain, { host: strange, cookie: two }), [own], strange);
  }
  t.is((await loginAt(plain, { host: 'a.b.c.d.e.f.g.h.i.j.k.l.m', cookie: two })).length, 6, 'a bounded number');
  const prefixed = await loginAt({ secure: true, name: '__Host-id' }, { host, cookie: '__Host-id=x; __Host-id=y' });
  t.deepEqual(prefixed, [], 'plain HTTP: refused, as always');
});

test('S35 a cookie with the prefix __Host- cannot be planted, and nothing is removed', async (t) => {
  const app = express()
    .set('trust proxy', true)
    .use(session({ cookie: { secure: true } }), (req, res) => {
      req.session.login('ann');
      res.end();
    });
  const headers = { host: 'shop.example', cookie: '__Host-id=x; __Host-id=y', 'x-forwarded-proto': 'https' };
  t.is((await request(await serve(t, app), { headers })).cookies.length, 1);
});
