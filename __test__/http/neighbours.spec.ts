/** Beside other middleware, other applications and other versions in one process. */
import type { ServerResponse } from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import compression from 'compression';
import express, { type Express } from 'express';
import express4 from 'express-4';
import test from 'ava';
import { SessionManager, SessionStore } from 'agai-session';
import { session } from 'agai-session/express';
import { expresses } from '../helpers/apps.js';
import { Client, request, serve, warnings } from '../helpers/http.js';
import { remoteBackend } from '../helpers/remote-backend.js';

const text = 'compress me '.repeat(400);

function count(app: Express): Express {
  app.get('/', (req, res) => {
    const data = req.session.data as { n?: number };
    data.n = (data.n ?? 0) + 1;
    res.type('text').send(text);
  });
  app.get('/stream', (req, res) => {
    (req.session.data as { s?: number }).s = 1;
    res.type('text');
    res.write(text.slice(0, 1_000));
    setImmediate(() => res.end(text.slice(1_000)));
  });
  return app;
}

for (const [version, create] of Object.entries(expresses)) {
  for (const remote of [false, true]) {
    for (const order of ['before', 'after'] as const) {
      test(`${version}${remote ? ', promises' : ''}: compression ${order} the session middleware works, and the session is committed first`, async (t) => {
        const store = new SessionStore();
        const app = create();
        if (order === 'before') app.use(compression());
        app.use(session({ store: remote ? remoteBackend(store.backend) : store }));
        if (order === 'after') app.use(compression());
        const url = await serve(t, count(app));
        for (const path of ['/', '/stream']) {
          const plain = await request(url + path);
          t.deepEqual([plain.body, plain.cookies.length], [text, 1]);
          const zipped = await request(url + path, { headers: { 'accept-encoding': 'gzip' } });
          t.is(zipped.headers['content-encoding'], 'gzip');
          t.true(zipped.body.length < text.length / 2);
          const id = zipped.cookies[0]!.slice(3, 46);
          t.deepEqual(store.get(id)!.data, path === '/' ? { n: 1 } : { s: 1 });
        }
      });
    }
  }

  test(`${version}: conditional requests get a 304 as without a session`, async (t) => {
    const client = new Client(await serve(t, count(create().use(session()))));
    const { headers } = await client.get('/');
    const answer = await client.get('/', { headers: { 'if-none-match': headers.etag! } });
    t.deepEqual([answer.status, answer.body], [304, '']);
  });

  test(`${version}: a mounted application shares its parent's session`, async (t) => {
    const store = new SessionStore();
    const sub = create();
    sub.use(session({ store }));
    count(sub);
    const app = create();
    app.use(session({ store }));
    app.use((req, _res, next) => {
      (req.session.data as { parent?: boolean }).parent = true;
      next();
    });
    app.use('/sub', sub);
    const client = new Client(await serve(t, app));
    const { cookies, headers } = await client.get('/sub');
    t.is(headers['content-length'], String(text.length));
    t.is(cookies.length, 1, 'one session, though both have a middleware of their own');
    await client.get('/sub');
    t.deepEqual(store.get(client.jar.get('id')!)!.data, { parent: true, n: 2 });
    t.is(store.size, 1);
  });

  test(`${version}: two middlewares with different cookies keep two sessions on one response`, async (t) => {
    const [users, admins] = [new SessionStore(), new SessionStore()];
    const app = create();
    app.use(session({ store: users }));
    app.use((req, _res, next) => {
      (req.session.data as { user?: number }).user = 1;
      next();
    });
    app.use(session({ store: admins, cookie: { name: 'admin' } }));
    app.get('/', (req, res) => {
      (req.session.data as { admin?: number }).admin = 1;
      res.send(text);
    });
    const client = new Client(await serve(t, app));
    const { body, cookies } = await client.get('/');
    t.is(body, text);
    t.is(cookies.length, 2);
    t.deepEqual(users.get(client.jar.get('id')!)!.data, { user: 1 });
    t.deepEqual(admins.get(client.jar.get('admin')!)!.data, { admin: 1 });
  });
}

test("several applications and versions in one process do not see each other's sessions", async (t) => {
  const clients = await Promise.all(
    [express, express4, express].map(async (create) => new Client(await serve(t, count(create().use(session()))))),
  );
  for (const client of clients) await client.get('/');
  for (const client of clients) {
    for (const other of clients) {
      const answer = await client.get('/', { headers: { cookie: other.cookie } });
      t.is(answer.cookies.length, client === other ? 0 : 1);
    }
  }
});

test('a server without sessions is not affected by one with sessions in the same process', async (t) => {
  await serve(t, count(express().use(session())));
  const url = await serve(t, (_, res) => {
    res.writeHead(200, ['Set-Cookie', 'a=1', 'X-Raw', 'b']);
    res.end(text);
  });
  const answer = await request(url);
  t.deepEqual([answer.body, answer.cookies, answer.headers['x-raw']], [text, ['a=1'], 'b']);
});

// The compatibility API sends the head from within `end`, when the response already counts as ended: nothing left at all.
test('HTTP/2: if a session cannot be written, the error handler responds', async (t) => {
  for (const answer of [
    undefined,
    (res: ServerResponse) => ((res.statusCode = 413), res.end()),
    (res: ServerResponse) => res.end('E'),
  ]) {
    const manager = new SessionManager<{ big?: string }>({
      maxSessionBytes: 50,
      ...(answer && { onError: (_error: unknown, _req: unknown, res: ServerResponse) => void answer(res) }),
    });
    const server = http2.createServer(async (req, res) => {
      const started = await manager.start(req as never, res as never);
      started.data.big = 'x'.repeat(100);
      res.end('well');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const connection = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    t.teardown(() => {
      connection.destroy();
      server.close();
    });
    const stream = connection.request({ ':path': '/' });
    const status = await new Promise<number>((resolve) =>
      stream.on('response', (headers) => resolve(headers[':status']!)),
    );
    t.true(status >= 400);
  }
});

// Node warns whoever looks at the status message of an HTTP/2 response, and holding the head still looked.
test('HTTP/2 over an asynchronous store causes no warnings of Node', async (t) => {
  const seen = warnings(t);
  const manager = new SessionManager<{ n?: number }>({ store: remoteBackend(new SessionStore().backend) });
  const server = http2.createServer(async (req, res) => {
    const started = await manager.start(req as never, res as never);
    started.data.n = 1;
    res.end('well');
    res.statusCode = 404;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const connection = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  t.teardown(() => {
    connection.destroy();
    server.close();
  });
  const stream = connection.request({ ':path': '/' });
  const status = await new Promise((resolve) => stream.on('response', (headers) => resolve(headers[':status'])));
  await new Promise(setImmediate);
  t.is(status, 200);
  t.deepEqual(
    seen.filter(({ name }) => name === 'UnsupportedWarning'),
    [],
  );
});

test('two stores that use one cookie name cause a warning', async (t) => {
  const seen = warnings(t);
  const app = express();
  app.use(session({ cookie: { name: 'twin' } }), session({ cookie: { name: 'twin' } }));
  app.get('/', (_, res) => res.end());
  await request(await serve(t, app));
  await new Promise(setImmediate);
  t.is(seen.filter(({ code, message }) => code === 'SESSION_COOKIE_SHARED' && message.includes('"twin"')).length, 1);
});

test('HTTP/2 through its compatibility API: session, cookie and body', async (t) => {
  for (const remote of [false, true]) {
    const store = new SessionStore();
    const manager = new SessionManager<{ n?: number }>({ store: remote ? remoteBackend(store.backend) : store });
    const server = http2.createServer(async (req, res) => {
      const started = await manager.start(req as never, res as never);
      started.data.n = (started.data.n ?? 0) + 1;
      if (req.url === '/head') res.writeHead(200, { 'x-a': 'b' });
      if (req.url === '/write') res.write('n=');
      res.end(String(started.data.n));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const connection = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    t.teardown(() => {
      connection.destroy();
      server.close();
    });
    const get = async (path: string, cookie?: string): Promise<{ body: string; cookies: string[] }> => {
      const stream = connection.request({ ':path': path, ...(cookie === undefined ? {} : { cookie }) });
      let body = '';
      let cookies: string[] = [];
      stream.setEncoding('utf8');
      stream.on('response', (headers) => (cookies = headers['set-cookie'] ?? []));
      for await (const chunk of stream) body += chunk;
      return { body, cookies };
    };
    const first = await get('/');
    t.deepEqual([first.body, first.cookies.length], ['1', 1]);
    const cookie = first.cookies[0]!.split(';')[0]!;
    t.deepEqual(await get('/', cookie), { body: '2', cookies: [] });
    t.deepEqual(await get('/head', `a=b; ${cookie}`), { body: '3', cookies: [] });
    t.deepEqual(await get('/write', cookie), { body: 'n=4', cookies: [] });
  }
});
