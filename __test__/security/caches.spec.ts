/** What responses say to caches: nobody may be shown what was made for somebody else (CVE-2023-30861). */
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import compression from 'compression';
import Koa from 'koa';
import { SessionManager, SessionStore, type Session } from 'agai-session';
import { session } from 'agai-session/express';
import { expresses, type Route } from '../helpers/apps.js';
import { request, serve, type Answer } from '../helpers/http.js';
import { serveHttp2 } from '../helpers/http2.js';
import { remoteBackend } from '../helpers/remote-backend.js';
import { servers, type ServerKind } from '../helpers/servers.js';

type Headers = Readonly<Record<string, string | readonly string[]>>;
type Sending = (res: ServerResponse, headers: Headers) => unknown;
type Use = (session: Session<Record<string, unknown>>) => unknown;

function set(res: ServerResponse, headers: Headers): void {
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value as string);
}

/** The headers as names and values in turn, with a line of its own for each value. */
const flat = (headers: Headers): string[] =>
  Object.entries(headers).flatMap(([name, value]) => [value].flat().flatMap((value) => [name, value as string]));

const pairs = (headers: Headers): unknown =>
  Object.entries(headers).flatMap(([name, value]) => [value].flat().map((value) => [name, value]));

/** The ways in which handlers send their headers. */
const sendings: Readonly<Record<string, Sending>> = {
  end: (res, headers) => (set(res, headers), res.end('body')),
  'write and end': (res, headers) => (set(res, headers), res.write('bo'), res.end('dy')),
  'flushHeaders and end': (res, headers) => (set(res, headers), res.flushHeaders(), res.end('body')),
  'appendHeader and end': (res, headers) => {
    for (const [name, value] of Object.entries(headers)) {
      for (const one of [value].flat()) res.appendHeader(name, one as string);
    }
    res.end('body');
  },
  'writeHead with nothing': (res, headers) => (set(res, headers), res.writeHead(200).end('body')),
  'writeHead with an object': (res, headers) =>
    res.writeHead(200, { ...headers } as Record<string, string>).end('body'),
  'writeHead with an object over other headers': (res, headers) => {
    set(res, { 'X-Other': 'x', Vary: 'X-Replaced', 'Cache-Control': 'max-age=1' });
    if (headers['Vary'] === undefined) res.removeHeader('Vary');
    if (headers['Cache-Control'] === undefined) res.removeHeader('Cache-Control');
    res.writeHead(200, { ...headers } as Record<string, string>).end('body');
  },
  'a stream': (res, headers) => (set(res, headers), Readable.from(['bo', 'dy']).pipe(res)),
  'a 304': (res, headers) => (set(res, headers), (res.statusCode = 304), res.end()),
};

const onlyHttp1: typeof sendings = {
  'writeHead with a message and an object': (res, headers) =>
    res.writeHead(200, 'Fine', { ...headers } as Record<string, string>).end('body'),
  'writeHead with a flat array': (res, headers) => res.writeHead(200, flat(headers)).end('body'),
};

/** Node takes pairs only if no header was set before, as Express and Koa do. */
const onlyBare: typeof sendings = {
  'writeHead with pairs': (res, headers) => res.writeHead(200, pairs(headers) as never).end('body'),
};

function sendingsOf({ name, isHttp2 }: ServerKind): typeof sendings {
  return { ...sendings, ...(!isHttp2 && onlyHttp1), ...(name === 'node:http' && onlyBare) };
}

/** What a handler does with the session, and the `Vary` and `Cache-Control` that then go with the headers that it sets. */
const uses: Readonly<
  Record<
    string,
    { as: 'guest' | 'ann'; use: Use; cases: readonly (readonly [Headers, string | undefined, string | undefined])[] }
  >
> = {
  'a request that does not look at its session': {
    as: 'ann',
    use: () => undefined,
    cases: [
      [{}, undefined, undefined],
      [{ Vary: 'Accept', 'Cache-Control': 'public, max-age=60' }, 'Accept', 'public, max-age=60'],
    ],
  },
  'a guest': {
    as: 'guest',
    use: (session) => session.isAuthenticated,
    cases: [
      [{}, 'Cookie', undefined],
      [{ Vary: 'Accept-Encoding' }, 'Accept-Encoding, Cookie', undefined],
      [{ Vary: ['Accept', 'Origin'] }, 'Accept, Origin, Cookie', undefined],
      [{ vary: 'X-Cookie, cookie' }, 'X-Cookie, cookie', undefined],
      [{ Vary: '*' }, '*', undefined],
      [{ 'Cache-Control': 'public, max-age=60' }, 'Cookie', 'public, max-age=60'],
    ],
  },
  'a user': {
    as: 'ann',
    use: (session) => session.get('n'),
    cases: [
      [{}, 'Cookie', 'private, no-cache'],
      [{ Vary: 'Origin' }, 'Origin, Cookie', 'private, no-cache'],
      [{ 'cache-control': 'public, max-age=60', VARY: 'cookie' }, 'cookie', 'public, max-age=60'],
      [{ 'Cache-Control': 'no-store' }, 'Cookie', 'no-store'],
    ],
  },
  'a login': {
    as: 'guest',
    use: (session) => session.login('bob'),
    cases: [
      [{}, 'Cookie', 'no-store'],
      [{ 'Cache-Control': 'public, max-age=60' }, 'Cookie', 'no-store'],
      [{ 'Cache-Control': ['private', 'max-age=60'] }, 'Cookie', 'no-store'],
      [{ 'Cache-Control': 'max-age=0, No-Store' }, 'Cookie', 'max-age=0, No-Store'],
      [{ 'Cache-Control': 'no-store, must-understand' }, 'Cookie', 'no-store'],
      [{ 'Cache-Control': 'x="a, no-store, b"' }, 'Cookie', 'no-store'],
      [{ 'Cache-Control': 'public, no-transform' }, 'Cookie', 'no-store, no-transform'],
      [{ 'Set-Cookie': ['a=1', 'b=2'], Vary: '*' }, '*', 'no-store'],
    ],
  },
  'a logout': {
    as: 'ann',
    use: (session) => session.logout(),
    cases: [
      [{}, 'Cookie', 'no-store'],
      [{ 'Cache-Control': 'max-age=60', Vary: 'Accept' }, 'Accept, Cookie', 'no-store'],
      [{ 'Set-Cookie': 'a=1' }, 'Cookie', 'no-store'],
    ],
  },
};

/** The `Cookie` header of a session that is stored, as a guest's or as a user's. */
const cookieOf = (store: SessionStore, as: string): { cookie: string } => {
  const { id } = store.create({ n: 1 }, as === 'guest' ? {} : { uid: as });
  return { cookie: `id=${id}` };
};

function check(t: ExecutionContext, { headers }: Answer, vary?: string, cacheControl?: string, message?: string): void {
  t.deepEqual([headers.vary, headers['cache-control']], [vary, cacheControl], message);
}

for (const server of servers) {
  for (const isRemote of [false, true]) {
    test(`S37 ${server.name}${isRemote ? ', promises' : ''}: Vary and Cache-Control, however the handler sends`, async (t) => {
      const store = new SessionStore();
      let route: Route;
      const options = { store: isRemote ? remoteBackend(store.backend) : store };
      const send = await server.start(t, options, (req, res) => route(req, res));
      for (const [way, sending] of Object.entries(sendingsOf(server))) {
        for (const [what, { as, use, cases }] of Object.entries(uses)) {
          for (const [headers, vary, cacheControl] of cases) {
            const message = `${way}, ${what}, ${JSON.stringify(headers)}`;
            route = async (req, res) => {
              await use(req.session);
              sending(res, headers);
            };
            const answer = await send('/', { headers: cookieOf(store, as) });
            check(t, answer, vary, cacheControl, message);
            const own = headers['Set-Cookie'] === undefined ? 0 : [headers['Set-Cookie']].flat().length;
            t.is(answer.cookies.length, own + (what.includes('log') ? 1 : 0), message);
            t.is(answer.body, way === 'a 304' ? '' : 'body', message);
          }
        }
      }
    });
  }
}

/** Every member of a session, alone. */
const members: Readonly<Record<string, Use>> = {
  id: (session) => session.id,
  handle: (session) => session.handle,
  isNew: (session) => session.isNew,
  uid: (session) => session.uid,
  isAuthenticated: (session) => session.isAuthenticated,
  isLoggedIn: (session) => session.isLoggedIn(),
  authenticatedAt: (session) => session.authenticatedAt,
  createdAt: (session) => session.createdAt,
  expirationTime: (session) => session.expirationTime,
  signal: (session) => session.signal,
  data: (session) => session.data,
  get: (session) => session.get('n'),
  has: (session) => session.has('n'),
  keys: (session) => session.keys(),
  postParameters: (session) => session.postParameters,
  getParameters: (session) => session.getParameters,
  touch: (session) => session.touch(),
  reload: (session) => session.reload(),
  toJSON: (session) => JSON.stringify(session),
};

for (const server of servers) {
  test(`S37 ${server.name}: any member of the session counts as a look at it, the session alone does not`, async (t) => {
    const store = new SessionStore();
    let use: Use = () => undefined;
    const send = await server.start(t, { store }, async (req, res) => {
      await use(req.session);
      res.end();
    });
    const headers = cookieOf(store, 'ann');
    check(t, await send('/', { headers }));
    for (const [name, look] of Object.entries(members)) {
      use = look;
      check(t, await send('/', { headers }), 'Cookie', 'private, no-cache', name);
    }
  });

  test(`S37 ${server.name}: cacheHeaders: false sends no such header`, async (t) => {
    const store = new SessionStore();
    let use: Use = () => undefined;
    const send = await server.start(t, { store, cacheHeaders: false }, async (req, res) => {
      await use(req.session);
      res.end();
    });
    for (const [what, { as, use: look }] of Object.entries(uses)) {
      use = look;
      check(t, await send('/', { headers: cookieOf(store, as) }), undefined, undefined, what);
    }
  });
}

test('S37 getSessionId of a request that was started is a look at its session', async (t) => {
  const store = new SessionStore();
  const manager = new SessionManager({ store });
  const url = await serve(t, async (req, res) => {
    await manager.start(req, res);
    res.end(await manager.getSessionId(req));
  });
  check(t, await request(url, { headers: cookieOf(store, 'ann') }), 'Cookie', 'private, no-cache');
});

for (const [name, express] of Object.entries(expresses)) {
  test(`S37 ${name}: res.send, res.json, res.redirect, an ETag's 304, and a route without a session`, async (t) => {
    const store = new SessionStore();
    const app = express();
    app.get('/before', (_req, res) => res.send('text'));
    app.use(session({ store }));
    app.get('/send', (req, res) => res.send(req.session.uid));
    app.get('/json', (req, res) => res.vary('Origin').json(req.session.uid));
    app.get('/redirect', (req, res) => res.redirect(req.session.uid));
    app.get('/set', (req, res) => res.set('Cache-Control', 'public, max-age=9').send(req.session.uid));
    const url = await serve(t, app);
    const headers = cookieOf(store, 'ann');
    const get = (path: string, more = {}): Promise<Answer> => request(url + path, { headers: { ...headers, ...more } });
    check(t, await get('/before'));
    check(t, await get('/json'), 'Origin, Cookie', 'private, no-cache');
    check(t, await get('/redirect'), (await get('/redirect')).headers.vary, 'private, no-cache');
    t.regex((await get('/redirect')).headers.vary ?? '', /Cookie/);
    check(t, await get('/set'), 'Cookie', 'public, max-age=9');
    const sent = await get('/send');
    check(t, sent, 'Cookie', 'private, no-cache');
    const again = await get('/send', { 'if-none-match': sent.headers.etag });
    t.is(again.status, 304);
    check(t, again, 'Cookie', 'private, no-cache');
  });

  for (const isRemote of [false, true]) {
    test(`S37 ${name}${isRemote ? ', promises' : ''}: beside compression both have their name in Vary`, async (t) => {
      const store = new SessionStore();
      const app = express();
      app.use(compression({ threshold: 0 }), session({ store: isRemote ? remoteBackend(store.backend) : store }));
      app.get('/:way', (req, res) => {
        res.type('text').set('X-User', req.session.uid);
        if (req.params.way === 'write') res.write('body');
        res.end(req.params.way === 'write' ? '' : 'body');
      });
      const url = await serve(t, app);
      for (const way of ['write', 'end']) {
        const gzip = { ...cookieOf(store, 'ann'), 'accept-encoding': 'gzip' };
        const body = await fetchBytes(`${url}/${way}`, gzip);
        t.is(gunzipSync(body.bytes).toString(), 'body');
        t.deepEqual(body.vary?.split(', ').toSorted(), ['Accept-Encoding', 'Cookie']);
        t.is(body.cacheControl, 'private, no-cache');
      }
    });
  }
}

/** `fetch` decompresses; this does not. */
async function fetchBytes(url: string, headers: Record<string, string>) {
  const { default: http } = await import('node:http');
  return new Promise<{ bytes: Buffer; vary: string | undefined; cacheControl: string | undefined }>(
    (resolve, reject) => {
      http
        .get(url, { headers, agent: false }, async (answer) => {
          const chunks: Buffer[] = [];
          for await (const chunk of answer) chunks.push(chunk as Buffer);
          const { vary, 'cache-control': cacheControl } = answer.headers;
          resolve({ bytes: Buffer.concat(chunks), vary, cacheControl });
        })
        .on('error', reject);
    },
  );
}

test('S37 Koa: a body, its own Vary, and an error that removes the headers set before', async (t) => {
  const store = new SessionStore();
  const manager = new SessionManager({ store });
  const app = new Koa();
  app.silent = true;
  app.use(async (ctx) => {
    const { uid } = await manager.start(ctx.req, ctx.res);
    ctx.vary('Accept');
    if (ctx.path === '/throw') ctx.throw(404, 'not here');
    ctx.body = { uid };
  });
  const url = await serve(t, app.callback());
  const headers = cookieOf(store, 'ann');
  check(t, await request(url, { headers }), 'Accept, Cookie', 'private, no-cache');
  const thrown = await request(`${url}/throw`, { headers });
  t.is(thrown.status, 404);
  check(t, thrown, 'Cookie', 'private, no-cache');
});

// Middleware like compression and on-headers waits for `writeHead`, which `end` calls by itself.
for (const server of servers) {
  test(`S37 ${server.name}: a header that middleware sets in the last moment does not let anybody store a cookie`, async (t) => {
    const store = new SessionStore();
    let use: Use = () => undefined;
    const send = await server.start(t, { store }, (req, res) => {
      const { writeHead } = res;
      res.writeHead = function (...args: unknown[]) {
        res.setHeader('Cache-Control', 'public, max-age=60');
        res.setHeader('Vary', 'Accept');
        return Reflect.apply(writeHead, this, args);
      };
      use(req.session);
      res.end();
    });
    use = (session) => session.login('ann');
    check(t, await send('/'), 'Accept, Cookie', 'no-store');
    use = (session) => session.uid;
    check(t, await send('/'), 'Accept, Cookie', 'public, max-age=60');
  });
}

// Once a header is set, Node reads a list given to `writeHead` in another way, and sends only the last of several values.
test('S37 a list of headers that has a name twice is sent as it is', async (t) => {
  const store = new SessionStore();
  const manager = new SessionManager({ store });
  const lists: unknown[] = [
    ['Link', '<a>', 'Link', '<b>'],
    [
      ['Link', '<a>'],
      ['Link', '<b>'],
    ],
  ];
  for (const list of lists) {
    for (const login of [false, true]) {
      const url = await serve(t, async (req, res) => {
        const started = await manager.start(req, res);
        if (login) started.login('bob');
        else t.is(started.uid, 'ann');
        res.writeHead(200, list as never).end();
      });
      const answer = await request(url, { headers: cookieOf(store, 'ann') });
      t.is(answer.headers['link'], '<a>, <b>');
      t.is(answer.cookies.length, login ? 1 : 0);
      check(t, answer, 'Cookie', login ? 'no-store' : 'private, no-cache');
    }
  }
});

test('S37 what is sent in place of headers that Node refused has the cookie once, and may not be stored', async (t) => {
  const manager = new SessionManager();
  for (const headers of [
    { Vary: undefined },
    { Vary: 'Accept', 'X-Bad': '\n' },
    ['X-Bad', '\n'],
    { 'Set-Cookie': 'a=1', 'X-Bad': '\n' },
  ]) {
    const url = await serve(t, async (req, res) => {
      const started = await manager.start(req, res);
      started.login('ann');
      t.throws(() => res.writeHead(200, headers as never));
      res.writeHead(500).end();
    });
    const answer = await request(url);
    t.is(answer.cookies.filter((cookie) => cookie.startsWith('id=')).length, 1);
    t.regex(answer.headers.vary ?? '', /Cookie$/);
    t.is(answer.headers['cache-control'], 'no-store');
  }
});

for (const server of servers) {
  for (const isRemote of [false, true]) {
    test(`S37 ${server.name}${isRemote ? ', promises' : ''}: what is sent for a session that cannot be written may not be stored`, async (t) => {
      const store = new SessionStore({ maxSessionBytes: 50 });
      const onError = (_error: unknown, _req: unknown, res: ServerResponse): void => {
        res.statusCode = 404;
        res.end('sorry');
      };
      const options = { store: isRemote ? remoteBackend(store.backend) : store, onError };
      const send = await server.start(t, options, (req, res) => {
        req.session.data['big'] = 'x'.repeat(100);
        res.setHeader('Cache-Control', 'public, max-age=60');
        res.end('body');
      });
      const answer = await send('/', { headers: cookieOf(store, 'ann') });
      t.deepEqual([answer.status, answer.body], [404, 'sorry']);
      check(t, answer, 'Cookie', 'no-store');
    });
  }
}

test('S37 of two managers on one response, the stricter decides', async (t) => {
  const stores = { id: new SessionStore(), other: new SessionStore() };
  const managers = Object.entries(stores).map(
    ([name, store]) => new SessionManager({ store, cookie: { name, secure: false } }),
  );
  for (const order of [managers, managers.toReversed()]) {
    const url = await serve(t, async (req, res) => {
      for (const manager of order) await manager.start(req, res);
      const [first, second] = await Promise.all(managers.map((manager) => manager.start(req, res)));
      first!.login('ann');
      res.end(second!.uid);
    });
    const { id } = stores.other.create({}, { uid: 'bob' });
    const answer = await request(url, { headers: { cookie: `other=${id}` } });
    t.is(answer.body, 'bob');
    check(t, answer, 'Cookie', 'no-store');
  }
});

test('S37 a look after the headers were sent changes nothing', async (t) => {
  const store = new SessionStore();
  const manager = new SessionManager({ store });
  const late = async (started: Session, res: ServerResponse): Promise<void> => {
    res.flushHeaders();
    res.end(started.uid);
  };
  const url = await serve(t, async (req, res) => late(await manager.start(req, res), res));
  const overHttp2 = await serveHttp2(t, async (req, res) => late(await manager.start(req, res), res as never));
  const headers = cookieOf(store, 'ann');
  for (const answer of [await request(url, { headers }), await overHttp2('/', { headers })]) {
    t.is(answer.body, 'ann');
    check(t, answer);
  }
});
