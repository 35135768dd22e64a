/** Whether the connection is secure is asked once, and early: the answer at the time of the request counts, not that of the write. */
import { readFileSync } from 'node:fs';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { SessionManager, SessionStore, type DurableSessionStore, type SessionBackend } from 'agai-session';
import { session } from 'agai-session/express';
import { expresses } from '../helpers/apps.js';
import { fixturePath } from '../helpers/fixture.js';
import { deferred, request } from '../helpers/http.js';
import { freshPath } from '../helpers/durable.js';
import { remoteBackend } from '../helpers/remote-backend.js';

const tls = {
  key: readFileSync(fixturePath('tls/key.pem')),
  cert: readFileSync(fixturePath('tls/cert.pem')),
};
/** Always `Secure`, as in production. */
const cookie = { secure: true } as const;

interface Visited {
  data: { n?: number };
  login(uid: string): void;
}

/** Starts a server, and ends it with its connections after the test. */
async function listen(t: ExecutionContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** What becomes of a request whose client leaves while the handler works. */
interface Left {
  /** The handler looks at its session only once the client has gone. */
  readonly looksLate: boolean;
  readonly remote: boolean;
}

const lefts: Left[] = [
  { looksLate: false, remote: false },
  { looksLate: false, remote: true },
  { looksLate: true, remote: false },
  { looksLate: true, remote: true },
];

interface Leaving {
  readonly handler: (session: () => Visited, req: IncomingMessage, res: ServerResponse) => void;
  readonly arrived: Promise<void>;
  readonly left: () => void;
  readonly done: Promise<void>;
}

/** A handler that writes to its session once the client has gone; `done` resolves when its response is over, with the error if any. */
function leaving(looksLate: boolean): Leaving {
  const [arrived, done, left] = [deferred(), deferred(), deferred()];
  return {
    handler: async (session, _req, res) => {
      const early = looksLate ? undefined : session();
      arrived.resolve();
      await left.promise;
      const late = early ?? session();
      late.login('ann');
      late.data.n = 1;
      res.end('too late');
      done.resolve();
    },
    arrived: arrived.promise,
    left: left.resolve,
    done: done.promise,
  };
}

/** Closes the client's connection while the handler works, and waits until the handler is done. */
async function leave(sent: http.ClientRequest, { arrived, left, done }: Leaving): Promise<void> {
  sent.on('error', () => undefined);
  await arrived;
  sent.destroy();
  await new Promise((resolve) => setTimeout(resolve, 30));
  left();
  await done;
}

/** Sends a request to an application behind a proxy, and leaves. */
async function requestAndLeave(t: ExecutionContext, app: http.RequestListener, visit: Leaving): Promise<void> {
  const port = await listen(t, http.createServer(app));
  await leave(http.get({ port, headers: { 'x-forwarded-proto': 'https' }, agent: false }), visit);
}

/** Waits until the store has the session of the login. */
async function stored(
  t: ExecutionContext,
  store: SessionStore | DurableSessionStore,
  errors: unknown[],
): Promise<void> {
  for (let tries = 0; tries < 200 && store.stats().users === 0 && errors.length === 0; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  t.deepEqual(errors, []);
  t.is(store.stats().users, 1);
}

const over = (store: SessionStore, remote: boolean): SessionStore | SessionBackend =>
  remote ? remoteBackend(store.backend) : store;

for (const [version, create] of Object.entries(expresses)) {
  for (const { looksLate, remote } of lefts) {
    // The address of a closed socket is not known, so a proxy that is trusted by its address was not trusted any more, and the login of a
    // client that had gone was dropped with ERR_SESSION_INSECURE.
    test(`${version}${remote ? ', promises' : ''}, a proxy trusted by its address: a login whose client has gone is stored${looksLate ? ', even if nobody looked before' : ''}`, async (t) => {
      const store = new SessionStore();
      const errors: unknown[] = [];
      const visit = leaving(looksLate);
      const app = create();
      app.set('trust proxy', 'loopback');
      app.use(session({ store: over(store, remote), cookie, onError: (error) => errors.push(error) }));
      app.get('/', (req, res) => visit.handler(() => req.session as Visited, req, res));
      await requestAndLeave(t, app, visit);
      await stored(t, store, errors);
    });
  }

  // What an application that is mounted says about its proxy is not what the request came through.
  test(`${version}: a mounted application with another setting does not change the answer`, async (t) => {
    const app = create();
    app.set('trust proxy', 'loopback');
    app.use(session({ cookie }), (req, _res, next) => {
      void req.session.uid;
      next();
    });
    const sub = create();
    sub.set('trust proxy', false);
    sub.get('/', (req, res) => {
      req.session.login('ann');
      res.send('in');
    });
    app.use('/sub', sub);
    const port = await listen(t, http.createServer(app));
    const answer = await request(`http://127.0.0.1:${port}/sub`, { headers: { 'x-forwarded-proto': 'https' } });
    t.deepEqual([answer.status, answer.cookies.length], [200, 1]);
  });

  test(`${version}: a client that is still there and came over plain HTTP is refused`, async (t) => {
    const store = new SessionStore();
    const app = create();
    app.set('env', 'test');
    app.use(session({ store, cookie }));
    app.get('/', (req, res) => (req.session.login('ann'), res.send('in')));
    const port = await listen(t, http.createServer(app));
    const answer = await request(`http://127.0.0.1:${port}/`);
    t.is(answer.status, 500);
    t.regex(answer.body, /came over plain HTTP/);
    t.is(store.size, 0);
  });
}

test('a request that waits until its store on disk is open: a login whose client has gone is stored', async (t) => {
  const errors: unknown[] = [];
  const visit = leaving(true);
  const app = expresses['Express 5']!();
  app.set('trust proxy', 'loopback');
  const sessions = session({ path: freshPath(t), cookie, onError: (error) => errors.push(error) });
  app.use(sessions);
  app.get('/', (req, res) => visit.handler(() => req.session as Visited, req, res));
  await requestAndLeave(t, app, visit);
  const store = (await sessions.ready) as DurableSessionStore;
  t.teardown(() => store.close());
  await stored(t, store, errors);
});

/** How a manager knows that a connection is secure, and a server on which it is. */
const sources: Record<string, { secure?: boolean | (() => boolean); trustProxy?: boolean; tls?: boolean }> = {
  'a boolean': { secure: true },
  'a function': { secure: () => true },
  'X-Forwarded-Proto of a trusted proxy': { trustProxy: true },
  TLS: { tls: true },
};

for (const [source, { secure, trustProxy = false, tls: isTls = false }] of Object.entries(sources)) {
  for (const { looksLate, remote } of lefts) {
    test(`node:http${isTls ? 's' : ''}${remote ? ', promises' : ''}, by ${source}: a login whose client has gone is stored${looksLate ? ', though it asked late' : ''}`, async (t) => {
      const store = new SessionStore();
      const errors: unknown[] = [];
      const visit = leaving(looksLate);
      const { handler } = visit;
      const onError = (error: unknown): number => errors.push(error);
      const manager = new SessionManager<{ n?: number }>({ store: over(store, remote), cookie, trustProxy, onError });
      const listener: http.RequestListener = async (req, res) => {
        const started = await manager.start(req, res, { secure });
        handler(() => started, req, res);
      };
      const port = await listen(t, isTls ? https.createServer(tls, listener) : http.createServer(listener));
      const options = { port, headers: { 'x-forwarded-proto': 'https' }, agent: false, rejectUnauthorized: false };
      const sent = isTls ? https.get(options) : http.get(options);
      await leave(sent, visit);
      await stored(t, store, errors);
    });
  }
}

for (const { looksLate, remote } of lefts) {
  // The stream of HTTP/2 loses its connection when it is closed, and then said that it was not encrypted.
  test(`HTTP/2 over TLS${remote ? ', promises' : ''}: a login whose client has gone is stored${looksLate ? ', though it asked late' : ''}`, async (t) => {
    const store = new SessionStore();
    const errors: unknown[] = [];
    const { handler, arrived, left, done } = leaving(looksLate);
    const onError = (error: unknown): number => errors.push(error);
    const manager = new SessionManager<{ n?: number }>({ store: over(store, remote), cookie, onError });
    const server = http2.createSecureServer(tls, async (req, res) => {
      const started = await manager.start(req as never, res as never);
      handler(() => started, req as never, res as never);
    });
    const port = await listen(t, server);
    const client = http2.connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    client.on('error', () => undefined);
    t.teardown(() => client.destroy());
    const stream = client.request({ ':path': '/' });
    stream.on('error', () => undefined);
    await arrived;
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await new Promise((resolve) => setTimeout(resolve, 30));
    left();
    await done;
    await stored(t, store, errors);
  });
}

test('the function `secure` is called once for a request, however often the session is written', async (t) => {
  for (const production of [cookie, {}]) {
    let calls = 0;
    const manager = new SessionManager<{ n?: number }>({ cookie: production });
    const port = await listen(
      t,
      http.createServer(async (req, res) => {
        const started = await manager.start(req, res, { secure: () => (calls++, true) });
        started.data.n = 1;
        await started.save();
        started.login('ann');
        await started.save();
        started.data.n = 2;
        res.end('ok');
      }),
    );
    const answer = await request(`http://127.0.0.1:${port}/`);
    t.deepEqual([answer.body, answer.cookies.length, calls], ['ok', 1, 1]);
  }
});
