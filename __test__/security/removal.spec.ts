/** What a response says when a session ends: the cookie that removes the session's, and `Clear-Site-Data`. */
import test from 'ava';
import { SessionManager, SessionStore, type CookieOptions, type SessionOptions } from 'agai-session';
import { session } from 'agai-session/express';
import { expresses, type Route } from '../helpers/apps.js';
import { request, serve } from '../helpers/http.js';
import { remoteBackend } from '../helpers/remote-backend.js';
import { servers } from '../helpers/servers.js';

/** What a proxy that ends TLS says. */
const https = { 'x-forwarded-proto': 'https' };

const cookies: readonly CookieOptions[] = [
  {},
  { name: '__Secure-id', domain: 'example.com', path: '/app' },
  { name: 'id', secure: true, sameSite: 'none', partitioned: true },
  { name: 'id', secure: false, sameSite: 'strict', httpOnly: false },
];

for (const cookie of cookies) {
  test(`S18 the cookie that removes the session's repeats its attributes: ${JSON.stringify(cookie)}`, async (t) => {
    const manager = new SessionManager<{ n?: number }>({ cookie, trustProxy: true });
    const url = await serve(t, async (req, res) => {
      const session = await manager.start(req, res);
      if (req.url === '/logout') await session.logout();
      else session.data.n = 1;
      res.end();
    });
    const [set] = (await request(url, { headers: https })).cookies;
    const [pair, ...attributes] = set!.split('; ');
    const [removed, ...others] = (await request(`${url}/logout`, { headers: { ...https, cookie: pair! } })).cookies;
    t.deepEqual(others, []);
    const [name] = pair!.split('=');
    t.deepEqual(removed!.split('; '), [
      `${name}=`,
      'Expires=Thu, 01 Jan 1970 00:00:00 GMT',
      'Max-Age=0',
      ...attributes,
    ]);
  });
}

// `appendHeader` adds to the very array that was passed to `setHeader`: an application that keeps one sent each cookie to all who came later.
for (const { name, start } of servers) {
  for (const isRemote of [false, true]) {
    test(`S38 ${name}${isRemote ? ', promises' : ''}: an array of cookies that the application keeps does not get the session's`, async (t) => {
      const own = Object.freeze(['theme=dark', 'lang=en']);
      const store = new SessionStore();
      const send = await start(t, { store: isRemote ? remoteBackend(store.backend) : store }, (req, res) => {
        if (req.url === '/login') req.session.login('ann');
        res.setHeader('Set-Cookie', own);
        if (req.url === '/login') res.writeHead(200, { 'X-Other': 'x' });
        res.end();
      });
      t.is((await send('/login')).cookies.length, 3);
      t.deepEqual((await send('/')).cookies, own);
    });
  }
}

const ends: Readonly<Record<string, Route>> = {
  logout: (req) => req.session.logout(),
  destroy: (req) => req.session.destroy(),
  'logout, then a message for the next page': async (req) => {
    await req.session.logout();
    req.session.data['flash'] = 'goodbye';
  },
};

const others: Readonly<Record<string, Route>> = {
  'a request that only reads': (req) => req.session.uid,
  'a login': (req) => req.session.login('ann'),
  'a login as somebody else': (req) => req.session.login('bob'),
  regenerate: (req) => req.session.regenerate(),
};

for (const server of servers) {
  for (const isRemote of [false, true]) {
    /** Sends a user's request to a handler; resolves with `Clear-Site-Data`. */
    const clearing = async (
      t: Parameters<typeof server.start>[0],
      options: SessionOptions,
      route: Route,
      { isSecure = true, isUser = true, own = undefined as string | undefined } = {},
    ): Promise<string | undefined> => {
      const store = new SessionStore();
      const backend = isRemote ? remoteBackend(store.backend) : store;
      // `req.secure` in Express; elsewhere the manager asks the header.
      const send = await server.start(t, { store: backend, trustProxy: true, ...options }, async (req, res) => {
        if (own !== undefined) res.setHeader('Clear-Site-Data', own);
        await route(req, res);
        res.end();
      });
      const { id } = store.create({}, { uid: 'ann' });
      const cookie = isUser ? { cookie: `__Host-id=${id}; id=${id}` } : {};
      const answer = await send('/', { headers: { ...cookie, ...(isSecure && https) } });
      return answer.headers['clear-site-data'] as string | undefined;
    };
    const title = `S19 ${server.name}${isRemote ? ', promises' : ''}`;
    // Express believes the header only if it is told to, and this application is not.
    if (server.name.startsWith('Express')) {
      test(`${title}: nothing on a connection that Express does not call secure`, async (t) => {
        t.is(await clearing(t, { clearSiteData: true }, ends['logout']!), undefined);
      });
      continue;
    }

    test(`${title}: Clear-Site-Data when a session was ended, and only then`, async (t) => {
      for (const [what, route] of Object.entries(ends)) {
        t.is(await clearing(t, {}, route), undefined, 'off by default');
        t.is(await clearing(t, { clearSiteData: false }, route), undefined, 'off');
        t.is(await clearing(t, { clearSiteData: true }, route), '"storage"', what);
        t.is(await clearing(t, { clearSiteData: true, cacheHeaders: false }, route), '"storage"', what);
        t.is(await clearing(t, { clearSiteData: ['cache', 'cookies', 'cache'] }, route), '"cache", "cookies"', what);
        t.is(await clearing(t, { clearSiteData: true }, route, { isSecure: false }), undefined, 'plain HTTP');
        t.is(await clearing(t, { clearSiteData: true }, route, { isUser: false }), undefined, 'nothing was stored');
      }
      for (const [what, route] of Object.entries(others)) {
        t.is(await clearing(t, { clearSiteData: true }, route), undefined, what);
      }
    });

    test(`${title}: the handler's own Clear-Site-Data stays`, async (t) => {
      const ended = (own: string) => clearing(t, { clearSiteData: true }, ends['logout']!, { own });
      t.is(await ended('"cache"'), '"cache", "storage"');
      t.is(await ended('"storage","cookies"'), '"storage","cookies"');
      t.is(await ended('"*"'), '"*"');
    });
  }
}

test('S19 a logout that fails clears nothing', async (t) => {
  const store = new SessionStore();
  const backend = { ...remoteBackend(store.backend), destroy: () => Promise.reject(new Error('the network is down')) };
  const manager = new SessionManager({
    store: backend,
    trustProxy: true,
    clearSiteData: true,
    onError: (_e, _req, res) => res.end(),
  });
  for (const isAwaited of [false, true]) {
    const url = await serve(t, async (req, res) => {
      const session = await manager.start(req, res);
      const ended = session.logout();
      if (isAwaited) await t.throwsAsync(ended);
      if (isAwaited) res.statusCode = 503;
      res.end();
    });
    const { id } = store.create({}, { uid: 'ann' });
    const answer = await request(url, { headers: { ...https, cookie: `__Host-id=${id}` } });
    t.is(answer.status, isAwaited ? 503 : 500);
    t.is(answer.headers['clear-site-data'], undefined);
  }
});

for (const [name, express] of Object.entries(expresses)) {
  test(`S19 ${name}: Clear-Site-Data where Express calls the connection secure`, async (t) => {
    const store = new SessionStore();
    const app = express();
    app.set('trust proxy', 1);
    app.use(session({ store, clearSiteData: true }));
    app.get('/:end', async (req, res) => {
      if (req.params.end === 'logout') await req.session.logout();
      res.redirect(303, `/${req.session.uid}`);
    });
    const url = await serve(t, app);
    const { id } = store.create({}, { uid: 'ann' });
    const headers = { ...https, cookie: `__Host-id=${id}` };
    t.is((await request(`${url}/stay`, { headers })).headers['clear-site-data'], undefined);
    t.is((await request(`${url}/logout`, { headers })).headers['clear-site-data'], '"storage"');
  });
}
