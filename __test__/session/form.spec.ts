/** Form parameters: kept until `clean()` or the next form, never what looks secret, and no reason for a session of their own. */
import express from 'express';
import test from 'ava';
import { SessionManager, SessionStore, type SessionFacts } from 'agai-session';
import { session } from 'agai-session/express';
import { Client, serve } from '../helpers/http.js';

function app(store: SessionStore): express.Express {
  const app = express();
  app.use(session({ store }));
  app.use(express.urlencoded({ extended: true }));
  app.use(express.json());
  app.all('/begin', (req, res) => {
    (req.session.data as { begun?: boolean }).begun = true;
    res.end();
  });
  app.all('/form', (req, res) => res.json({ post: req.session.postParameters, get: req.session.getParameters }));
  app.all('/clean', (req, res) => {
    req.session.clean();
    res.json({ post: req.session.postParameters, get: req.session.getParameters });
  });
  app.all('/quiet', (_, res) => res.end());
  return app;
}

const form = async (client: Client, path = '/form'): Promise<unknown> => JSON.parse((await client.get(path)).body);

test('a form is kept for the requests after it, until the next form or clean', async (t) => {
  const store = new SessionStore();
  const client = new Client(await serve(t, app(store)));
  await client.get('/begin');
  t.deepEqual(JSON.parse((await client.post('/form?page=2', { name: 'Ann', city: 'Zürich' })).body), {
    post: { name: 'Ann', city: 'Zürich' },
    get: { page: '2' },
  });
  t.deepEqual(await form(client), { post: { name: 'Ann', city: 'Zürich' }, get: { page: '2' } }, 'after the redirect');
  await client.post('/form', { name: 'Bob' });
  t.deepEqual(await form(client, '/form?page=3&page=4'), { post: { name: 'Bob' }, get: { page: ['3', '4'] } });
  t.deepEqual(await form(client, '/clean?page=5'), { post: {}, get: {} }, 'forgets the one in hand too');
  t.deepEqual(await form(client), { post: {}, get: {} });
});

test('a form that no handler read is not kept', async (t) => {
  const store = new SessionStore();
  const client = new Client(await serve(t, app(store)));
  await client.get('/begin');
  await client.post('/quiet?x=1', { name: 'Ann' });
  t.deepEqual(await form(client), { post: {}, get: {} });
  t.is(store.stats().committed, 0, 'and costs no write');
});

test('values whose names look secret are never kept, at any depth', async (t) => {
  const client = new Client(await serve(t, app(new SessionStore())));
  await client.get('/begin');
  const secrets = [
    'password',
    'newPassword',
    'PASSWORD_2',
    'passwd',
    'passphrase',
    'pwd',
    'csrf_token',
    'accessToken',
    'client-secret',
    'cardNumber',
    'card[number]',
    'cvv',
    'cvc2',
    'otp',
    'smsOtp',
    'OTPCode',
    'passcode',
    'apiKey',
    'user_pin',
    'a[b][token]',
  ];
  const fields = Object.fromEntries(secrets.map((name) => [name, 'hunter2']));
  const answer = await client.post('/form', { ...fields, name: 'Ann', spinning: 'x', footprint: 'y', 'a[b][c]': 'z' });
  t.false(answer.body.includes('hunter2'));
  t.deepEqual(JSON.parse(answer.body).post, { name: 'Ann', spinning: 'x', footprint: 'y', a: { b: { c: 'z' } } });
});

test('form parameters alone do not begin a session', async (t) => {
  const store = new SessionStore();
  const client = new Client(await serve(t, app(store)));
  const answer = await client.post('/form?q=1', { name: 'Ann' });
  t.deepEqual(JSON.parse(answer.body), { post: { name: 'Ann' }, get: { q: '1' } }, 'but the handler has them');
  t.deepEqual([answer.cookies, store.size], [[], 0]);
});

// A form of which nothing could be kept was taken for no form, and the one before it was answered.
test('a form without any value to keep still replaces the one before it', async (t) => {
  const client = new Client(await serve(t, app(new SessionStore())));
  await client.get('/begin');
  for (const fields of [{ password: 'x' }, { essay: 'x'.repeat(9_000) }] as Record<string, string>[]) {
    await client.post('/form', { name: 'Ann' });
    t.deepEqual(JSON.parse((await client.post('/form', fields)).body).post, {});
    t.deepEqual(await form(client), { post: {}, get: {} });
  }
});

// A request that only read the form wrote it back with its own changes, over a newer one.
test('reading a form is not a change', async (t) => {
  const store = new SessionStore();
  const manager = new SessionManager<{ n?: number }>({ store });
  const { id } = store.backend.create({ data: '{}', form: '{"post":{"name":"old"}}' }) as SessionFacts;
  const reader = (await manager.load(id))!;
  t.deepEqual(reader.postParameters, { name: 'old' });
  void store.backend.commit(id, undefined, { form: '{"post":{"name":"new"}}' });
  reader.data.n = 1;
  await reader.save();
  t.deepEqual((await manager.load(id))!.postParameters, { name: 'new' });
});

// A query beyond latin1 made the whole session count double, and a request that only read it failed.
test('a form or a user id beyond latin1 does not make the data too large', (t) => {
  const store = new SessionStore({ maxSessionBytes: 1_000 });
  const data = { text: 'x'.repeat(900) };
  t.notThrows(() => store.create(data, { uid: 'Жанна' }));
  t.notThrows(() => store.backend.create({ data: JSON.stringify(data), form: '{"get":{"q":"漢"}}' }));
  t.throws(() => store.create({ text: 'ж'.repeat(900) }), { code: 'ERR_SESSION_TOO_LARGE' });
});

test('a form that is too long is not kept, and the session works as usual', async (t) => {
  const client = new Client(await serve(t, app(new SessionStore())));
  await client.get('/begin');
  const answer = await client.post('/form', { essay: 'x'.repeat(20_000) });
  t.deepEqual([answer.status, JSON.parse(answer.body).post], [200, {}]);
  const hostile = await client.get('/form?__proto__=x&constructor=y&toString=z');
  t.deepEqual(JSON.parse(hostile.body).get, JSON.parse('{"__proto__":"x","constructor":"y","toString":"z"}'));
  t.is(({} as Record<string, unknown>)['x'], undefined);
});
