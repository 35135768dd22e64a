/** Changed credentials: whoever was let in by the old ones is out, and the session that changed them goes on. */
import test from 'ava';
import express from 'express';
import { SessionManager, SessionStore, type Session, type SessionBackend } from 'agai-session';
import { session } from 'agai-session/express';
import { freshPath } from '../helpers/durable.js';
import { Client, serve } from '../helpers/http.js';
import { remoteBackend } from '../helpers/remote-backend.js';

type Data = { n?: number };
const places: [
  string,
  (
    t: Parameters<typeof freshPath>[0],
  ) => Promise<{ store: SessionStore<Data>; over: SessionStore<Data> | SessionBackend }>,
][] = [
  [
    'in memory',
    async () => {
      const store = new SessionStore<Data>();
      return { store, over: store };
    },
  ],
  [
    'over a backend that answers promises',
    async () => {
      const store = new SessionStore<Data>();
      return { store, over: remoteBackend(store.backend) };
    },
  ],
  [
    'on disk',
    async (t) => {
      const store = (await SessionStore.open<Data>({ path: freshPath(t) })) as never as SessionStore<Data>;
      t.teardown(async () => store.close());
      return { store, over: store };
    },
  ],
];

for (const [where, open] of places) {
  test(`S23 changed credentials end the user's other sessions, and give this one a new id, ${where}`, async (t) => {
    const { store, over } = await open(t);
    const manager = new SessionManager<Data>({ store: over as SessionStore<Data> });
    const login = async (uid: string): Promise<Session<Data>> => {
      const session = manager.create();
      session.set('n', 1);
      session.login(uid);
      await session.save();
      return session;
    };
    const all = await Promise.all(['ann', 'ann', 'ann', 'bob'].map(login));
    const [own, thief, phone, bob] = all as [Session<Data>, Session<Data>, Session<Data>, Session<Data>];
    const before = own.id!;
    const token = own.id && store.get(own.id)!.handle;
    own.credentialsChanged();
    own.set('n', 2);
    t.true(store.has(thief.id!), 'not before it is written');
    await own.save();
    t.not(own.id, before);
    t.deepEqual(
      [before, thief.id!, phone.id!, bob.id!, own.id!].map((id) => store.has(id)),
      [false, false, false, true, true],
    );
    t.deepEqual([store.get(own.id!)!.data, store.get(own.id!)!.uid, own.handle], [{ n: 2 }, 'ann', token]);
    thief.set('n', 9);
    await t.throwsAsync(async () => thief.save(), { code: 'ERR_SESSION_GONE' });

    // A password that was reset: the login is part of the same step, also where there was no session.
    const other = await login('ann');
    const reset = manager.create();
    reset.login('ann');
    reset.credentialsChanged();
    await reset.save();
    t.deepEqual(
      [store.has(own.id!), store.has(other.id!), store.has(reset.id!), store.has(bob.id!)],
      [false, false, true, true],
    );
    reset.credentialsChanged();
    reset.login('ann', { level: 2 });
    const again = await login('ann');
    await reset.save();
    t.deepEqual(
      [store.has(again.id!), store.get(reset.id!)?.uid],
      [false, 'ann'],
      'in whichever order they are called',
    );
    reset.credentialsChanged();
    reset.login('bob');
    await reset.save();
    t.true(store.has(bob.id!), 'a login as somebody else ends no session of theirs');
  });
}

test('S23 changed credentials of a guest, and over a backend that cannot end sessions, are refused', (t) => {
  const store = new SessionStore();
  const guest = new SessionManager({ store }).create();
  t.throws(() => guest.credentialsChanged(), { code: 'ERR_SESSION_GUEST' });
  const backend: SessionBackend = { ...remoteBackend(store.backend) };
  delete backend.destroyUser;
  const session = new SessionManager({ store: backend }).create();
  session.login('ann');
  t.throws(() => session.credentialsChanged(), { code: 'ERR_SESSION_BACKEND', message: /destroyUser/ });
});

test('S23 a write that fails ends no session', async (t) => {
  const store = new SessionStore<{ text?: string }>({ maxSessionBytes: 1_000 });
  const manager = new SessionManager<{ text?: string }>({ store });
  const { id } = store.create({}, { uid: 'ann' });
  const other = store.create({}, { uid: 'ann' });
  const session = (await manager.load(id))!;
  session.credentialsChanged();
  session.set('text', 'x'.repeat(2_000));
  t.throws(() => session.save(), { code: 'ERR_SESSION_TOO_LARGE' });
  t.deepEqual([store.has(id), store.has(other.id)], [true, true]);
});

test('S23 over HTTP: the other browser is logged out, and this one goes on with a new cookie', async (t) => {
  const app = express().use(session({ cookie: { secure: false } }));
  app.get('/login', (req, res) => void res.end(req.session.login('ann')));
  app.get('/password', (req, res) => void res.end(req.session.credentialsChanged()));
  app.get('/who', (req, res) => void res.end(req.session.uid));
  const url = await serve(t, app);
  const [own, other] = [new Client(url), new Client(url)];
  await own.get('/login');
  await other.get('/login');
  t.is((await own.get('/password')).cookies.length, 1);
  t.deepEqual([(await own.get('/who')).body, (await other.get('/who')).body], ['ann', 'Guest']);
});

/** What becomes of the session while its user's credentials change: each once let the others go on, with an answer of 200. */
const meanwhile: [string, (session: Session<Data>, store: SessionStore<Data>) => unknown][] = [
  ['another request gave it a new id', (session, store) => store.regenerate(session.id!)],
  ['another request logged it out', (session, store) => store.destroyByHandle(session.handle!)],
  ['it is logged out', (session) => session.logout()],
  ['it is destroyed', (session) => session.destroy()],
  ['somebody else logs in', (session) => session.login('bob')],
  [
    'somebody else logs in and then the same user',
    (session) => {
      session.login('bob');
      session.login('ann');
    },
  ],
];

for (const [where, open] of places) {
  for (const [what, act] of meanwhile) {
    test(`S23 changed credentials end the other sessions although ${what}, ${where}`, async (t) => {
      const { store, over } = await open(t);
      const manager = new SessionManager<Data>({ store: over as SessionStore<Data> });
      const make = async (uid: string): Promise<string> => {
        const session = manager.create();
        session.login(uid);
        await session.save();
        return session.id!;
      };
      const [own, thief, bob] = [await make('ann'), await make('ann'), await make('bob')];
      const session = (await manager.load(own))!;
      session.credentialsChanged();
      await act(session, store);
      await (session as never as { commit(isBeforeHeaders: boolean): unknown }).commit(true);
      t.deepEqual([store.has(own), store.has(thief), store.has(bob)], [false, false, true]);
    });
  }
}
