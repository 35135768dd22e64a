/** The cookie: what it looks like, where it is refused, and what a client may bring without being believed. */
import { readFileSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import express from 'express';
import { SessionManager, SessionStore, type CookieOptions, type SessionOptions } from 'agai-session';
import { session } from 'agai-session/express';
import { kinds, type Route } from '../helpers/apps.js';
import { request, serve, warnings } from '../helpers/http.js';
import { remoteBackend } from '../helpers/remote-backend.js';

const count: Route = (req, res) => {
  req.session.data['n'] = ((req.session.data['n'] as number) ?? 0) + 1;
  res.end(String(req.session.data['n']));
};

const read: Route = (req, res) => {
  res.end(JSON.stringify(req.session.data));
};

function inProduction<T>(make: () => T): T {
  const before = process.env['NODE_ENV'];
  process.env['NODE_ENV'] = 'production';
  try {
    return make();
  } finally {
    if (before === undefined) delete process.env['NODE_ENV'];
    else process.env['NODE_ENV'] = before;
  }
}

/** Express in production behind a proxy that ends TLS. */
function productionApp(options: SessionOptions, route: Route): express.Express {
  return inProduction(() => {
    const app = express();
    app.set('trust proxy', 1);
    app.use(session(options));
    app.use((req, res) => route(req as never, res));
    // oxlint-disable-next-line no-unused-vars -- Express tells an error handler by its four parameters
    app.use(
      (error: Error & { code?: string }, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
        res.status(500).send(error.code);
      },
    );
    return app;
  });
}

const https1 = { 'x-forwarded-proto': 'https' };

test('over HTTPS the cookie is __Host-id, Secure, HttpOnly, SameSite=Lax, Path=/ and has no Domain', async (t) => {
  const url = await serve(t, productionApp({}, count));
  const { cookies } = await request(url, { headers: https1 });
  t.is(cookies.length, 1);
  t.regex(cookies[0]!, /^__Host-id=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure$/);
});

test('a TLS connection is secure without a proxy', async (t) => {
  const manager = new SessionManager<{ n?: number }>();
  const file = (name: string): Buffer => readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url));
  const server = https.createServer({ key: file('key'), cert: file('cert') }, (req, res) => {
    const started = manager.start(req, res);
    if (started instanceof Promise) return;
    started.data.n = 1;
    res.end();
  });
  await serve(t, server);
  const cookies = await new Promise<string[]>((resolve, reject) => {
    const { port } = server.address() as AddressInfo;
    https
      .get({ port, host: '127.0.0.1', ca: file('cert'), servername: 'localhost', agent: false }, (answer) => {
        answer.resume();
        resolve(answer.headers['set-cookie'] ?? []);
      })
      .on('error', reject);
  });
  t.regex(cookies[0] ?? '', /^__Host-id=.*; Secure$/);
});

test('on plain HTTP in production a new session is refused, and the error says why and what to do', async (t) => {
  const store = new SessionStore();
  const url = await serve(t, productionApp({ store }, count));
  const refused = await request(url);
  t.deepEqual([refused.status, refused.body, refused.cookies], [500, 'ERR_SESSION_INSECURE', []]);
  t.is(store.size, 0, 'nothing is stored that no client could ever use');
  t.is((await request(await serve(t, productionApp({ store }, read)))).status, 200, 'who writes nothing is served');
});

test.serial('on plain HTTP outside production the cookie is id without Secure, and one warning says why', async (t) => {
  const seen = warnings(t);
  const url = await serve(t, kinds[2]!.app({}, count));
  for (let n = 0; n < 3; n++) {
    const { cookies } = await request(url);
    t.regex(cookies[0]!, /^id=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/);
  }
  await new Promise(setImmediate);
  const ours = seen.filter(
    ({ code, message }) => code === 'SESSION_INSECURE_COOKIE' && message.includes('"__Host-id"'),
  );
  t.is(ours.length, 1);
});

test('secure: false and secure: true apply whatever the connection is', async (t) => {
  const plain = await request(await serve(t, productionApp({ cookie: { secure: false } }, count)));
  t.regex(plain.cookies[0]!, /^id=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/);
  const url = await serve(
    t,
    kinds[0]!.app(
      { cookie: { secure: true }, onError: (error, _, res) => res.end((error as { code: string }).code) },
      count,
    ),
  );
  t.is((await request(url)).body, 'ERR_SESSION_INSECURE');
});

test('X-Forwarded-Proto counts only if the proxy is trusted', async (t) => {
  const trusting = await request(await serve(t, kinds[0]!.app({ trustProxy: true }, count)), { headers: https1 });
  t.regex(trusting.cookies[0]!, /^__Host-id=.*; Secure$/);
  const wary = await request(await serve(t, kinds[0]!.app({}, count)), { headers: https1 });
  t.regex(wary.cookies[0]!, /^id=/);
});

test('the cookie has the configured attributes, and its removal repeats all of them', async (t) => {
  const cookie: CookieOptions = {
    name: 'sid',
    path: '/app',
    domain: 'example.com',
    sameSite: 'none',
    secure: true,
    httpOnly: false,
    partitioned: true,
  };
  const store = new SessionStore();
  const url = await serve(
    t,
    productionApp({ store, cookie }, (req, res) => {
      if (req.url === '/app/out') req.session.logout();
      else req.session.data['n'] = 1;
      res.end();
    }),
  );
  const [set] = (await request(`${url}/app`, { headers: https1 })).cookies;
  const attributes = 'Path=/app; Domain=example.com; SameSite=None; Partitioned; Secure';
  t.is(set!.replace(/=[\w-]{43}/, '='), `sid=; ${attributes}`);
  const headers = { ...https1, cookie: set!.split(';')[0]! };
  const removed = await request(`${url}/app/out`, { headers });
  t.deepEqual(removed.cookies, [`sid=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; ${attributes}`]);
});

const dropped: [CookieOptions, RegExp][] = [
  [{ name: '__Host-x', path: '/app' }, /cookie\.name.*__Host-/],
  [{ name: '__Host-x', domain: 'example.com' }, /cookie\.name.*__Host-/],
  [{ name: '__host-x', domain: 'example.com' }, /cookie\.name/],
  [{ name: '__Host-x', secure: false }, /cookie\.name.*secure/],
  [{ name: '__SECURE-x', secure: false }, /cookie\.name.*secure/],
  [{ sameSite: 'none' }, /cookie\.sameSite.*secure: true/],
  [{ partitioned: true }, /cookie\.partitioned.*secure: true/],
  [{ name: '__Host-' }, /cookie\.name/],
  [null as unknown as CookieOptions, /cookie: pass an object/],
  [{ name: 'a b' }, /cookie\.name/],
  [{ name: '' }, /cookie\.name/],
  [{ name: 'a=b' }, /cookie\.name/],
  [{ path: 'app' }, /cookie\.path/],
  [{ path: '/a;b' }, /cookie\.path/],
  [{ path: '/a\r\nSet-Cookie: x=y' }, /cookie\.path/],
  [{ domain: 'exa mple' }, /cookie\.domain/],
  [{ sameSite: 'Lax' as 'lax' }, /cookie\.sameSite/],
  [{ httpOnly: 1 as unknown as boolean }, /cookie\.httpOnly/],
  [{ maxAge: 1 } as CookieOptions, /cookie\.maxAge.*idleTimeout/],
  ['id' as CookieOptions, /cookie/],
];
for (const [cookie, message] of dropped) {
  test(`cookie options that are invalid or that browsers reject are refused at construction: ${JSON.stringify(cookie)}`, (t) => {
    t.throws(() => session({ cookie }), { instanceOf: TypeError, message });
  });
}

test('options that contradict each other or do not exist are refused', (t) => {
  const store = new SessionStore();
  t.throws(() => session({ store, maxSessions: 5 }), {
    instanceOf: TypeError,
    message: /option maxSessions: the store is given/,
  });
  t.notThrows(() => session({ store, ...({ maxSessions: undefined } as object) }));
  for (const options of [null, 5, []] as never[]) {
    t.throws(() => session(options), { instanceOf: TypeError, message: /option session: pass an object/ });
  }
  t.throws(() => session({ store: {} as never }), {
    instanceOf: TypeError,
    message: /option store: pass a SessionStore/,
  });
  t.throws(() => session({ ttl: 5 } as never), {
    instanceOf: TypeError,
    message: /option session\.ttl: set idleTimeout/,
  });
  t.throws(() => session({ concurrency: 'last' as never }), {
    instanceOf: TypeError,
    message: /option concurrency: choose one of/,
  });
});

for (const { name, app } of kinds) {
  for (const remote of [false, true]) {
    const kind = `${name}${remote ? ' over a store that answers promises' : ''}`;

    test(`${kind}: ids that a client invents are never adopted, and do no harm`, async (t) => {
      const store = new SessionStore();
      const url = await serve(t, app({ store: remote ? remoteBackend(store.backend) : store }, count));
      const { id } = store.create({ n: 41 });
      const other = store.create({ n: 1_000 });
      store.destroy(other.id);
      const made = 'A'.repeat(43);
      const bad = [
        `id=${made}`,
        `id=${other.id}`,
        'id=',
        'id',
        '=id',
        `=id=${id}`,
        `%69d=${id}`,
        `ID=${id}`,
        `__Host-id=${id}`,
        `xid=${id}`,
        `id="${id}"`,
        `id=${id}x`,
        `id=${id.slice(1)}`,
        `id=${id}%00`,
        `id=s%3A${id}.signature`,
        `id=${'x'.repeat(8_000)}`,
        `${'a=b; '.repeat(1_200)}id=${id}`,
        ';'.repeat(2_000),
        `id=${store.create({ n: 5 }).id}; id=${store.create({ n: 6 }).id}`,
      ];
      for (const cookie of bad) {
        const answer = await request(url, { headers: { cookie } });
        t.is(answer.status, 200, cookie.slice(0, 60));
        t.is(answer.body, '1', `${cookie.slice(0, 60)} begins a new session`);
        const given = answer.cookies[0]!.slice(3, 46);
        t.false(cookie.includes(given), `${cookie.slice(0, 60)} gets a new id`);
        t.is(store.get(given)?.data['n'], 1);
      }
      for (const good of [
        `id=${id}`,
        `a=b; id=${id} ; c=d`,
        `id=${made}; id=${id}`,
        `id=${id}; id=${id}`,
        `id=junk; id=${id}`,
      ]) {
        const before = store.get(id)!.data['n'] as number;
        const answer = await request(url, { headers: { cookie: good } });
        t.is(answer.body, String(before + 1), good.slice(0, 60));
        t.deepEqual(answer.cookies, []);
      }
    });

    test(`${kind}: an id in the URL or the body is ignored`, async (t) => {
      const store = new SessionStore();
      const url = await serve(t, app({ store: remote ? remoteBackend(store.backend) : store }, read));
      const { id } = store.create({ secret: 1 });
      const answer = await request(`${url}/?id=${id}&__Host-id=${id}`, { method: 'POST', body: `id=${id}` });
      t.is(answer.body, '{}');
    });

    test(`${kind}: a visitor who writes nothing gets no session and no cookie`, async (t) => {
      const store = new SessionStore();
      const url = await serve(t, app({ store: remote ? remoteBackend(store.backend) : store }, read));
      const answer = await request(`${url}/?q=1`);
      t.deepEqual([answer.body, answer.cookies, store.size], ['{}', [], 0]);
    });
  }
}
