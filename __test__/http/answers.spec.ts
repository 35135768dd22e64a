/** Every request is answered, whatever stands around the middleware. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import expressSession from 'express-session';
import Koa from 'koa';
import koaConnect from 'koa-connect';
import test from 'ava';
import { SessionManager, SessionStore } from 'agai-session';
import { session } from 'agai-session/express';
import { expresses } from '../helpers/apps.js';
import { Client, request, serve, warnings } from '../helpers/http.js';
import { remoteBackend } from '../helpers/remote-backend.js';

interface Visited {
  session: { data: { n?: number; big?: string } };
}

/** A Koa application over our middleware for Express. */
function koa(sessions: ReturnType<typeof session>): RequestListener {
  const app = new Koa();
  app.silent = true;
  app.use(koaConnect(sessions as never));
  app.use((ctx) => {
    const { data } = (ctx.req as IncomingMessage & Visited).session;
    if (ctx.path === '/big') data.big = 'x'.repeat(100);
    else data.n = (data.n ?? 0) + 1;
    ctx.body = `n=${data.n}`;
  });
  return app.callback();
}

// koa-connect makes a promise of `next`, so a second call, with the error, is received by nobody: the client waited for ever.
for (const remote of [false, true]) {
  test(`Koa through koa-connect${remote ? ', promises' : ''}: a session that cannot be written is answered with a 500 and a warning`, async (t) => {
    const seen = warnings(t);
    const store = new SessionStore({ maxSessionBytes: 50 });
    const client = new Client(await serve(t, koa(session({ store: remote ? remoteBackend(store.backend) : store }))));
    t.is((await client.get('/')).body, 'n=1');
    t.is((await client.get('/')).body, 'n=2');
    const answer = await client.get('/big');
    t.deepEqual([answer.status, answer.body], [500, '']);
    t.true(seen.some(({ code }) => code === 'ERR_SESSION_TOO_LARGE'));
    t.is((await client.get('/')).body, 'n=3', 'nothing of it was stored');
  });
}

test('Koa through koa-connect: with an onError the answer is that one, at once', async (t) => {
  const onError = (error: unknown, _req: IncomingMessage, res: ServerResponse): void => {
    res.statusCode = 413;
    res.end((error as { code: string }).code);
  };
  const url = await serve(t, koa(session({ maxSessionBytes: 50, onError })));
  const begun = performance.now();
  const answer = await request(`${url}/big`);
  t.deepEqual([answer.status, answer.body], [413, 'ERR_SESSION_TOO_LARGE']);
  t.true(performance.now() - begun < 4_000);
});

test('an error handler that comes after the answer was given up does not fail', async (t) => {
  let late: (() => void) | undefined;
  const manager = new SessionManager<{ big?: string }>({
    maxSessionBytes: 50,
    onError: (_error, _req, res) => {
      late = () => {
        res.statusCode = 413;
        res.setHeader('X-Late', '1');
        res.end('late');
      };
    },
  });
  const url = await serve(t, (req, res) => {
    (manager.start(req, res) as Visited['session']).data.big = 'x'.repeat(100);
    res.end('well');
  });
  const answer = await request(url);
  t.deepEqual([answer.status, answer.body], [500, '']);
  t.notThrows(late!);
});

const theirs = (): ReturnType<typeof expressSession> =>
  expressSession({ secret: 'only for this test', resave: false, saveUninitialized: true });

for (const [version, create] of Object.entries(expresses)) {
  // express-session went on with our session as if it were its own, failed while the headers were sent, and again in the error handler.
  test(`${version}: express-session before ours is a clear error`, async (t) => {
    const app = create();
    app.use(theirs(), session());
    app.get('/', (req, res) => {
      (req.session as unknown as Visited['session']).data.n = 1;
      res.send('never');
    });
    // oxlint-disable-next-line no-unused-vars -- Express tells an error handler by its four parameters
    app.use((error: Error & { code: string }, _req: unknown, res: { send(body: string): void }, _next: unknown) => {
      res.send(`${error.code} ${error.message}`);
    });
    const { body } = await request(await serve(t, app));
    t.regex(body, /^ERR_SESSION_PROPERTY .*express-session/);
  });

  test(`${version}: express-session before ours, without an error handler, is a 500`, async (t) => {
    const app = create();
    app.set('env', 'test');
    app.use(theirs(), session());
    app.get('/', (_req, res) => res.send('never'));
    const { status, body } = await request(await serve(t, app));
    t.is(status, 500);
    t.regex(body, /req\.session was set before this middleware/);
  });

  test(`${version}: express-session and a session of manager.start keep a cookie each on one route`, async (t) => {
    const manager = new SessionManager<{ n?: number }>();
    const app = create();
    app.use(theirs());
    app.get('/', (req, res) => {
      const old = req.session as unknown as { n?: number };
      old.n = (old.n ?? 0) + 1;
      const { data } = manager.start(req, res) as Visited['session'];
      data.n = (data.n ?? 10) + 1;
      res.send(`${old.n} ${data.n}`);
    });
    const client = new Client(await serve(t, app));
    t.is((await client.get('/')).body, '1 11');
    t.is((await client.get('/')).body, '2 12');
    t.deepEqual([...client.jar.keys()].toSorted(), ['connect.sid', 'id']);
  });

  test(`${version}: express-session after ours leaves the request to ours`, async (t) => {
    const app = create();
    app.use(session(), theirs());
    app.get('/', (req, res) => {
      const { data } = req.session as unknown as Visited['session'];
      data.n = (data.n ?? 0) + 1;
      res.send(`n=${data.n}`);
    });
    const client = new Client(await serve(t, app));
    await client.get('/');
    t.is((await client.get('/')).body, 'n=2');
    t.deepEqual([...client.jar.keys()], ['id']);
  });
}
