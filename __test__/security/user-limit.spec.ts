/**
 * The limit of sessions of one user. One account once pushed out everybody: logging in again and again evicted all other users, least
 * recently used first.
 */
import {
  SessionError,
  SessionManager,
  SessionStore,
  type DurableStoreOptions,
  type SessionBackend,
} from 'agai-session';
import { ManualClock } from 'agai-session/testing';
import test, { type ExecutionContext } from 'ava';
import { kinds } from '../helpers/apps.js';
import { freshPath, openStore } from '../helpers/durable.js';
import { record } from '../helpers/events.js';
import { Client, serve } from '../helpers/http.js';
import { remoteBackend } from '../helpers/remote-backend.js';
import { until } from '../helpers/until.js';

test('S22 one user who logs in 2,000 times evicts nobody else', async (t) => {
  const store = new SessionStore({ maxSessions: 1_000 });
  const others = Array.from({ length: 500 }, (_, n) => store.create({}, { uid: `user ${n}` }));
  const manager = new SessionManager({ store });
  for (let n = 0; n < 2_000; n += 1) {
    const session = manager.create();
    session.login('mallory');
    await session.save();
  }
  t.true(others.every(({ id }) => store.has(id)));
  t.is(store.size, 600);
  t.is(store.sessionsOf('mallory').length, 100, 'the default limit');
});

const places: Record<string, (t: ExecutionContext, options: DurableStoreOptions) => Promise<SessionBackend>> = {
  'in memory': async (_t, options) => new SessionStore(options).backend,
  'on disk': async (t, options) => (await openStore(t, options)).backend,
  'over a backend that answers with promises': async (_t, options) => remoteBackend(new SessionStore(options).backend),
};

/** 50 logins of one user at once: half in new sessions, half in those of guests. Returns their results. */
async function logIn50(backend: SessionBackend): Promise<PromiseSettledResult<string>[]> {
  const manager = new SessionManager({ store: backend });
  const guests = await Promise.all(Array.from({ length: 25 }, () => backend.create({ data: '{"cart":1}' })));
  const logins = Array.from({ length: 50 }, async (_, n) => {
    const guest = guests[n];
    const session = guest ? (await manager.load(guest.id))! : manager.create();
    session.login('ann');
    await session.save();
    return session.id!;
  });
  return Promise.allSettled(logins);
}

for (const [name, open] of Object.entries(places)) {
  test(`S22 of 50 logins at once with a limit of 3 exactly 3 remain, ${name}`, async (t) => {
    const backend = await open(t, { maxSessionsPerUser: 3 });
    const results = await logIn50(backend);
    t.true(
      results.every(({ status }) => status === 'fulfilled'),
      'none is refused',
    );
    const ids = results.map((result) => (result as { value: string }).value);
    const found = await Promise.all(ids.map((id) => backend.load(id, false)));
    const live = found.filter((stored) => stored !== undefined);
    t.is(live.length, 3);
    const listed = (await backend.sessionsOf!('ann')).map(({ handle }) => handle);
    t.deepEqual(listed.toSorted(), live.map(({ handle }) => handle).toSorted());
  });

  test(`S22 of 50 logins at once with a limit of 3 exactly 3 succeed if the others are refused, ${name}`, async (t) => {
    const backend = await open(t, { maxSessionsPerUser: 3, onMaxSessionsPerUser: 'refuse' });
    const results = await logIn50(backend);
    const refused = results.filter((result) => result.status === 'rejected');
    t.is(refused.length, 47);
    for (const { reason } of refused) t.is((reason as SessionError).code, 'ERR_SESSION_LIMIT');
    t.is((await backend.sessionsOf!('ann')).length, 3);
  });
}

test('S22 the session used longest ago is evicted, and the event says why', async (t) => {
  const clock = new ManualClock();
  const store = new SessionStore({ clock, maxSessionsPerUser: 2 });
  const [one, two] = [store.create({}, { uid: 'ann' }), store.create({}, { uid: 'ann' })];
  const manager = new SessionManager({ store });
  const { signal } = (await manager.load(two.id))!;
  clock.advance('1m');
  store.touch(one.id);
  const told = record(store, ['evicted']);
  const three = store.create({}, { uid: 'ann' });
  t.deepEqual(
    [one, two, three].map(({ id }) => store.has(id)),
    [true, false, true],
  );
  await until(() => told.length === 1 && signal.aborted, 'it is told');
  t.deepEqual(told, [{ name: 'evicted', handle: two.handle, uid: 'ann', reason: 'max-sessions-per-user' }]);
  const { reason, message } = signal.reason as SessionError;
  t.is(reason, 'max-sessions-per-user');
  t.regex(message, /logged in elsewhere/);
  t.is(store.stats().evicted, 1);
});

test('S22 logging in again in the same session is no additional one', (t) => {
  for (const onMaxSessionsPerUser of ['evict-oldest', 'refuse'] as const) {
    const store = new SessionStore({ maxSessionsPerUser: 2, onMaxSessionsPerUser });
    const other = store.create({}, { uid: 'ann' });
    let { id } = store.create({ kept: 1 }, { uid: 'ann' });
    for (let n = 0; n < 10; n += 1) ({ id } = store.regenerate(id, { uid: 'ann' })!);
    t.deepEqual(store.get(id)?.data, { kept: 1 });
    t.true(store.has(other.id));
  }
});

test('S22 a refused login leaves everything as it was', (t) => {
  const store = new SessionStore({ maxSessionsPerUser: 1, onMaxSessionsPerUser: 'refuse' });
  store.create({}, { uid: 'ann' });
  const guest = store.create({ cart: [1] });
  const bob = store.create({ bobs: 1 }, { uid: 'bob' });
  const before = store.stats();
  const refused = { instanceOf: SessionError, code: 'ERR_SESSION_LIMIT', message: /1 sessions.*maxSessionsPerUser/ };
  t.throws(() => store.create({}, { uid: 'ann' }), refused);
  t.throws(() => store.regenerate(guest.id, { uid: 'ann' }), refused);
  t.throws(() => store.regenerate(bob.id, { uid: 'ann' }), refused);
  t.deepEqual(store.stats(), before);
  t.like(store.get(guest.id), { uid: 'Guest', version: 1, data: { cart: [1] } });
  t.like(store.get(bob.id), { uid: 'bob', version: 1, data: { bobs: 1 } });
});

test('S22 expired sessions do not count, whether or not they have been removed', (t) => {
  const clock = new ManualClock();
  const store = new SessionStore({
    clock,
    maxSessionsPerUser: 2,
    onMaxSessionsPerUser: 'refuse',
    idleTimeout: '10m',
  });
  for (let n = 0; n < 50; n += 1) {
    store.create({}, { uid: 'ann' });
    store.create({}, { uid: 'ann' });
    clock.advance('10m');
  }
  t.is(store.stats().evicted, 0);
});

for (const { name, app } of kinds) {
  test(`S22 ${name}: a handler can answer a refused login by letting the user choose`, async (t) => {
    const store = new SessionStore({ maxSessionsPerUser: 1, onMaxSessionsPerUser: 'refuse' });
    const url = await serve(
      t,
      app({ store }, async (req, res) => {
        const { session } = req;
        if (req.url === '/basket') session.data['basket'] = 'full';
        if (req.url === '/instead') store.destroyUser('ann');
        if (req.url === '/login' || req.url === '/instead') {
          session.login('ann');
          try {
            await session.save();
          } catch (error) {
            if ((error as SessionError).code !== 'ERR_SESSION_LIMIT') throw error;
            await session.reload();
            res.statusCode = 409;
            return res.end(`${store.sessionsOf('ann').length} elsewhere`);
          }
        }
        return res.end(`${session.uid} ${String(session.data['basket'])}`);
      }),
    );
    const [phone, desk] = [new Client(url), new Client(url)];
    t.is((await phone.get('/login')).body, 'ann undefined');
    await desk.get('/basket');
    const refused = await desk.get('/login');
    t.deepEqual([refused.status, refused.body, refused.cookies], [409, '1 elsewhere', []]);
    t.is((await desk.get('/')).body, 'Guest full', 'still a guest, with the basket');
    t.is((await phone.get('/')).body, 'ann undefined');
    t.is((await desk.get('/instead')).body, 'ann full');
    t.is((await desk.get('/')).body, 'ann full');
    t.is((await phone.get('/')).body, 'Guest undefined');
  });

  test(`S22 ${name}: a refused login that nobody handles fails the response`, async (t) => {
    const store = new SessionStore({ maxSessionsPerUser: 1, onMaxSessionsPerUser: 'refuse' });
    store.create({}, { uid: 'ann' });
    const errors: unknown[] = [];
    const onError = (error: unknown, _req: unknown, res: { statusCode: number; end(text: string): void }): void => {
      errors.push((error as SessionError).code);
      res.statusCode = 503;
      res.end('later');
    };
    const route = app({ store, onError: onError as never }, (req, res) => {
      req.session.login('ann');
      res.end('welcome');
    });
    const { status, body, cookies } = await new Client(await serve(t, route)).get('/');
    t.deepEqual([status, body, cookies, errors], [503, 'later', [], ['ERR_SESSION_LIMIT']]);
    t.is(store.sessionsOf('ann').length, 1);
  });
}

test('S22 sessions that were written above the limit stay until the next login of their user', async (t) => {
  const path = freshPath(t);
  const before = await openStore(t, { path, maxSessionsPerUser: Infinity });
  const anns = [];
  for (let n = 0; n < 5; n += 1) anns.push(await before.create({ n }, { uid: 'ann' }));
  const bobs = await Promise.all(Array.from({ length: 700 }, () => before.create({}, { uid: 'bob' })));
  await before.close();

  const store = await openStore(t, { path, maxSessionsPerUser: 2 });
  t.deepEqual([store.sessionsOf('ann').length, store.sessionsOf('bob').length], [5, 700], 'an upgrade logs nobody out');
  store.touch(anns[0]!.id);
  await store.update(anns[1]!.id, (data) => void (data['used'] = true));
  t.is(store.sessionsOf('ann').length, 5, 'no other write ends any');
  const next = await store.create({}, { uid: 'ann' });
  const left = store.sessionsOf('ann').map(({ handle }) => handle);
  t.is(left.length, 2);
  t.true(left.includes(next.handle));
  t.is(store.sessionsOf('bob').length, 700);
  await store.regenerate(bobs[300]!.id, { uid: 'bob' });
  t.is(store.sessionsOf('bob').length, 2, 'logging in again is a login as well, and keeps its session');
  t.true(store.sessionsOf('bob').some(({ handle }) => handle === bobs[300]!.handle));
  await store.close();

  const strict = await openStore(t, { path, maxSessionsPerUser: 1, onMaxSessionsPerUser: 'refuse' });
  t.is(strict.sessionsOf('ann').length, 2, 'with refuse none ends by a login');
  await t.throwsAsync(strict.create({}, { uid: 'ann' }), { code: 'ERR_SESSION_LIMIT' });
  t.is(strict.sessionsOf('ann').length, 2);
});

test('S22 openings of one directory must agree on the limit', async (t) => {
  const store = await openStore(t, { maxSessionsPerUser: 5 });
  const { path } = store;
  await t.throwsAsync(SessionStore.open({ path }), {
    code: 'ERR_SESSION_OPTIONS',
    message: /maxSessionsPerUser is 5 there and 100 here/,
  });
  await t.throwsAsync(SessionStore.open({ path, maxSessionsPerUser: Infinity, onMaxSessionsPerUser: 'refuse' }), {
    code: 'ERR_SESSION_OPTIONS',
    message:
      /maxSessionsPerUser is 5 there and Infinity here, onMaxSessionsPerUser is 'evict-oldest' there and 'refuse' here/,
  });
  const again = await SessionStore.open({ path, maxSessionsPerUser: 5, onMaxSessionsPerUser: 'evict-oldest' });
  await again.close();
});

test('S22 a wrong limit is refused with the fix, wherever it is given', async (t) => {
  const given = (options: object): (() => unknown)[] => [
    () => new SessionStore(options),
    () => new SessionManager(options),
    () => SessionStore.open({ path: freshPath(t), ...options }),
  ];
  for (const maxSessionsPerUser of [0, -1, 1.5, NaN, -Infinity, 2 ** 32]) {
    for (const open of given({ maxSessionsPerUser })) {
      const error = await t.throwsAsync(async () => open(), { instanceOf: RangeError });
      t.regex(error.message, /maxSessionsPerUser: give a whole number from 1 .*or Infinity for no limit/);
    }
  }
  for (const maxSessionsPerUser of ['100', null, true, {}, 5n]) {
    for (const open of given({ maxSessionsPerUser })) {
      await t.throwsAsync(async () => open(), { instanceOf: TypeError, message: /maxSessionsPerUser/ });
    }
  }
  for (const onMaxSessionsPerUser of ['evict', 'REFUSE', true, null, 1]) {
    for (const open of given({ onMaxSessionsPerUser })) {
      const error = await t.throwsAsync(async () => open(), { instanceOf: TypeError });
      t.regex(error.message, /onMaxSessionsPerUser: choose one of 'evict-oldest', 'refuse'/);
    }
  }
  const store = new SessionStore({ maxSessionsPerUser: Infinity });
  for (let n = 0; n < 500; n += 1) store.create({}, { uid: 'service' });
  t.is(store.sessionsOf('service').length, 500);
});

test('S22 a polluted Object.prototype sets no limit', (t) => {
  // oxlint-disable-next-line no-extend-native -- that is what this is about
  Object.defineProperty(Object.prototype, 'maxSessionsPerUser', { value: 1, configurable: true });
  t.teardown(() => Reflect.deleteProperty(Object.prototype, 'maxSessionsPerUser'));
  const store = new SessionStore({});
  store.create({}, { uid: 'ann' });
  store.create({}, { uid: 'ann' });
  t.is(store.sessionsOf('ann').length, 2);
});
