/** `flatSession`: data as properties of `req.session`, for packages that were written for express-session. */
import { inspect } from 'node:util';
import test from 'ava';
import flash from 'connect-flash';
import { csrfSync } from 'csrf-sync';
import express, { type Request } from 'express';
import { Session, SessionStore } from 'agai-session';
import { flatSession, session } from 'agai-session/express';
import { showError } from '../helpers/passport-app.js';
import { Client, request, serve } from '../helpers/http.js';

type Flat = Record<string, unknown>;
const flat = (req: Request): Flat => req.session as unknown as Flat;

// The message was set on the session and lost.
test('a message of connect-flash arrives at the next request, once', async (t) => {
  const app = express();
  app.use(session(), flatSession(), flash());
  app.get('/say', (req, res) => {
    req.flash('info', 'hello');
    res.redirect('/read');
  });
  app.get('/read', (req, res) => {
    res.json(req.flash('info'));
  });
  const client = new Client(await serve(t, app));
  await client.get('/say');
  t.is((await client.get('/read')).body, '["hello"]');
  t.is((await client.get('/read')).body, '[]');
});

// Every POST was answered with 403.
test('csrf-sync finds the token that it stored, with its own options and without flatSession', async (t) => {
  const { generateToken, csrfSynchronisedProtection } = csrfSync({
    getTokenFromState: (req) => (req.session.data as { csrfToken?: string }).csrfToken,
    storeTokenInState: (req, token) => {
      (req.session.data as { csrfToken?: unknown }).csrfToken = token;
    },
  });
  const app = express();
  app.use(session());
  app.get('/form', (req, res) => {
    res.send(generateToken(req));
  });
  app.post('/form', csrfSynchronisedProtection, (_req, res) => {
    res.send('done');
  });
  app.use(showError);
  const client = new Client(await serve(t, app));
  const { body } = await client.get('/form');
  t.is((await client.get('/form', { method: 'POST', headers: { 'x-csrf-token': body } })).body, 'done');
  t.is((await client.get('/form', { method: 'POST', headers: { 'x-csrf-token': 'forged' } })).status, 403);
});

test('properties are set, read, listed and deleted, and are those of data', async (t) => {
  const store = new SessionStore();
  const app = express();
  app.use(session({ store }), flatSession());
  app.get('/set', (req, res) => {
    Object.assign(req.session, { cart: ['apple'], n: 1 });
    delete flat(req)['n'];
    res.json([
      flat(req)['cart'],
      Object.keys(req.session),
      'cart' in req.session,
      'n' in req.session,
      'uid' in req.session,
      { ...req.session },
      req.session.data,
      req.session instanceof Session,
      Object.hasOwn(req.session, 'cart'),
      typeof flat(req)['hasOwnProperty'],
    ]);
  });
  app.get('/read', (req, res) => {
    res.json([flat(req)['cart'], req.session.uid, JSON.parse(JSON.stringify(req.session)).data]);
  });
  app.get('/inspect', (req, res) => {
    res.send(String(inspect(req.session).includes('apple') && !inspect(req.session).includes(req.session.id!)));
  });
  const client = new Client(await serve(t, app));
  const cart = { cart: ['apple'] };
  t.deepEqual(JSON.parse((await client.get('/set')).body), [
    ['apple'],
    ['cart'],
    true,
    false,
    true,
    cart,
    cart,
    true,
    true,
    'function',
  ]);
  t.deepEqual(JSON.parse((await client.get('/read')).body), [['apple'], 'Guest', cart]);
  t.is((await client.get('/inspect')).body, 'true');
});

test("the session's own members stay its own", async (t) => {
  const app = express();
  app.use(session(), flatSession());
  app.get('/login', async (req, res) => {
    req.session.login('ann');
    await req.session.save();
    t.throws(() => (flat(req)['uid'] = 'bob'), { instanceOf: TypeError, message: /session\.login/ });
    t.throws(() => ((flat(req)['cookie'] as { maxAge: number }).maxAge = 1), {
      instanceOf: TypeError,
      message: /idleTimeout/,
    });
    t.throws(() => (flat(req)['cookie'] = {}), { instanceOf: TypeError, message: /idleTimeout/ });
    res.json([req.session.uid, req.session.isAuthenticated, typeof req.session.handle]);
  });
  app.get('/destroy', (req, res) => {
    req.session.destroy(() => res.json([flat(req)['cart'] === undefined, req.session.uid]));
  });
  app.get('/null', (req, res) => {
    t.throws(() => Object.assign(req, { session: null }), { instanceOf: TypeError, message: /logout/ });
    res.end();
  });
  app.use(showError);
  const client = new Client(await serve(t, app));
  t.is((await client.get('/login')).body, '["ann",true,"string"]');
  t.is((await client.get('/null')).status, 200);
  t.is((await client.get('/destroy')).body, '[true,"Guest"]');
});

test('after regenerate req.session is empty and another object, and the old one keeps what it had', async (t) => {
  const app = express();
  app.use(session(), flatSession());
  app.get('/', (req, res) => {
    flat(req)['cart'] = 1;
    const old = flat(req);
    req.session.regenerate(() => {
      t.throws(() => (old['late'] = 1), { instanceOf: TypeError, message: /replaced by regenerate/ });
      flat(req)['fresh'] = true;
      res.json([old['cart'], old === flat(req), req.session.data]);
    });
  });
  t.is((await request(await serve(t, app))).body, '[1,false,{"fresh":true}]');
});

test('without the session middleware before it, flatSession says so', async (t) => {
  const app = express();
  app.use(flatSession());
  app.use(showError);
  const { status, body } = await request(await serve(t, app));
  t.is(status, 500);
  t.regex(body, /app\.use\(session\(\)\) before app\.use\(flatSession\(\)\)/);
  t.throws(() => flatSession({ id: 1 } as never), { instanceOf: TypeError, message: /flatSession\.id/ });
  t.throws(() => flatSession({ uid: 'id' } as never), {
    instanceOf: TypeError,
    message: /flatSession\.uid: pass a function/,
  });
});
