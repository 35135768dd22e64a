/** What is stored, if it cannot be read; and what is never stored. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import test from 'ava';
import express from 'express';
import { SessionManager, SessionStore, type SessionBackend } from 'agai-session';
import { session } from 'agai-session/express';
import { cli } from '../helpers/cli.js';
import { Client, request, serve } from '../helpers/http.js';
import { copyOf, remoteBackend } from '../helpers/remote-backend.js';

const broken: [string, { data?: string; form?: string }][] = [
  ['no JSON', { data: '{"role":"admin"' }],
  ['an empty text', { data: '' }],
  ['null', { data: 'null' }],
  ['an array', { data: '[{"role":"admin"}]' }],
  ['a text', { data: '"admin"' }],
  ['a number', { data: '7' }],
  ['another object behind it', { data: '{}{"role":"admin"}' }],
  ['a form that is no JSON', { form: '{"post":' }],
  ['a form that is an array', { form: '[]' }],
];

for (const [what, texts] of broken) {
  // A raw SyntaxError once answered 500 to every request of that client; `null` and arrays were taken for data.
  test(`S41 a stored session that is ${what} is no session, and the next write replaces its cookie`, async (t) => {
    const store = new SessionStore();
    const { id, handle } = store.create({ role: 'user' }, { uid: 'ann' });
    const inner = remoteBackend(store.backend);
    const backend: SessionBackend = {
      ...inner,
      load: async (asked, touch) => {
        const stored = await inner.load(asked, touch);
        return asked === id && stored ? { ...copyOf(stored), ...texts } : stored;
      },
    };
    const told: unknown[] = [];
    const tell = (event: unknown): unknown => (event as { handle?: string }).handle === handle && told.push(event);
    subscribe('agai-session:suspicious', tell);
    t.teardown(() => void unsubscribe('agai-session:suspicious', tell));
    const app = express().use(session({ store: backend, cookie: { secure: false } }));
    app.get('/read', (req, res) => void res.json([req.session.uid, req.session.data, req.session.postParameters]));
    app.get('/write', (req, res) => void res.json(req.session.set('n', 1).uid));
    const url = await serve(t, app);
    const read = await request(`${url}/read`, { headers: { cookie: `id=${id}` } });
    t.deepEqual([read.status, JSON.parse(read.body), read.cookies], [200, ['Guest', {}, {}], []]);
    const written = await request(`${url}/write`, { headers: { cookie: `id=${id}` } });
    t.deepEqual([written.status, written.cookies.length], [200, 1]);
    t.notRegex(written.cookies[0]!, new RegExp(handle));
    t.is(told.length, 2);
    const { kind, count, since } = told[0] as Record<string, unknown>;
    t.deepEqual([kind, count, typeof since], ['undecodable', 1, 'number']);
    t.notRegex(JSON.stringify(told), new RegExp(id.slice(16)), 'no secret');
  });
}

test('S41 text that another request stored meanwhile and nobody can read ends the session, not the request', async (t) => {
  const store = new SessionStore<{ n?: number }>();
  const { id } = store.create({}, { uid: 'ann' });
  const inner = remoteBackend(store.backend);
  const backend: SessionBackend = {
    ...inner,
    commit: async () => ({ status: 'conflict', current: { ...copyOf((await inner.load(id, false))!), data: '[]' } }),
  };
  const session = (await new SessionManager<{ n?: number }>({ store: backend, concurrency: 'strict' }).load(id))!;
  session.set('n', 1);
  await t.throwsAsync(session.save(), { code: 'ERR_SESSION_GONE' });
});

/** Names of fields in several languages and their usual spellings. */
const SECRET =
  'pw pass kennwort Kennwort contrasena contraseña senha motdepasse mot_de_passe MotDePasse wachtwoord parol totp totpCode otpcode otp_code ' +
  'mfa mfa_code security_code securityCode pin userPin authorization Authorization auth authCode bearer jwt jwt_value session sessionId ' +
  'session_id sessionid PHPSESSID sid connect.sid csrf _csrf csrfToken xsrf X-XSRF signature ssn user_ssn iban IBAN ccnum pan card_pan mnemonic ' +
  'seed seed_phrase';
const HARMLESS =
  'name email spinning footprint author company panel seedling desenho parolee ibanez passenger resident opinion';

test('S03 form fields whose names look secret are never kept', async (t) => {
  const app = express().use(session({ cookie: { secure: false } }), express.urlencoded());
  app.post('/', (req, res) => void res.json(req.session.postParameters));
  const client = new Client(await serve(t, app));
  for (const name of SECRET.split(' ')) {
    const answer = await client.post('/', { [name]: 'hunter2', name: 'Ann' });
    t.deepEqual(JSON.parse(answer.body), { name: 'Ann' }, name);
  }
  const harmless = Object.fromEntries(HARMLESS.split(' ').map((name) => [name, 'x']));
  t.deepEqual(JSON.parse((await client.post('/', harmless)).body), harmless);
});

test('S03 the option form keeps some fields alone, or none', async (t) => {
  const answers = async (form?: unknown): Promise<unknown[]> => {
    const app = express().use(session({ cookie: { secure: false }, form: form as never }), express.urlencoded());
    app.post('/', (req, res) => {
      req.session.set('n', 1);
      res.json([req.session.postParameters, req.session.getParameters]);
    });
    app.get('/', (req, res) => void res.json([req.session.postParameters, req.session.getParameters]));
    const client = new Client(await serve(t, app));
    const posted = await client.post('/?page=2&q=x', { name: 'Ann', email: 'a@b' });
    return [JSON.parse(posted.body), JSON.parse((await client.get('/')).body)];
  };
  const all = [
    { name: 'Ann', email: 'a@b' },
    { page: '2', q: 'x' },
  ];
  t.deepEqual(await answers(), [all, all]);
  t.deepEqual(await answers({}), [all, all]);
  t.deepEqual(await answers(false), [
    [{}, {}],
    [{}, {}],
  ]);
  const some = [{ email: 'a@b' }, { page: '2' }];
  t.deepEqual(await answers({ only: ['email', 'page'] }), [some, some]);
  for (const [form, says] of [
    [true, /^option form: choose false, or/],
    [{ only: 'email' }, /^option form\.only: give an array/],
    [{ only: [1] }, /^option form\.only: give an array/],
    [{ only: ['email', 'password'] }, /^option form\.only: .*never kept.*'password'$/],
    [{ except: [] }, /^option form\.except: there is no such option/],
  ] as const) {
    t.throws(() => session({ form: form as never }), { instanceOf: TypeError, message: says });
  }
});

test('S45 the command line prints nothing unescaped, its own complaints included', async (t) => {
  const evil = '\u001b[2Jx\u202e\u009b31m\nforged';
  for (const args of [
    [evil],
    [`--${evil}`],
    ['verify', '--limit', evil],
    ['verify', 'a', evil],
    ['verify', evil],
    [`-${evil}`],
    ['inspect', `--json=${evil}`],
  ]) {
    const { stdout, stderr, code } = await cli(...args);
    t.not(code, 0);
    // oxlint-disable-next-line no-control-regex
    t.notRegex(stdout + stderr, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/, JSON.stringify(args));
    t.notRegex(stdout + stderr, /^forged/m);
  }
});
