/** The sessions of one user: listed for a page of devices, ended one by one, all, or all but one. */
import { setImmediate as turn } from 'node:timers/promises';
import { type SessionError, SessionManager, SessionStore, type Session, type SessionBackend } from 'agai-session';
import { ManualClock } from 'agai-session/testing';
import test from 'ava';
import { DURABILITIES, freshPath, openStore } from '../helpers/durable.js';
import { record } from '../helpers/events.js';
import { remoteBackend } from '../helpers/remote-backend.js';
import { StoreChild, type Made } from '../helpers/store-child.js';
import { until } from '../helpers/until.js';

/** In the order of the handles. */
function byHandle<T extends { readonly handle: string }>(all: readonly T[]): T[] {
  return all.toSorted((a, b) => (a.handle < b.handle ? -1 : 1));
}

test('S21 the sessions of a user are listed, the one used last first, and nothing in the list is an id', (t) => {
  const clock = new ManualClock(1_000_000);
  const store = new SessionStore({ clock });
  const ids: string[] = [];
  for (const [n, uid] of ['ann', 'bob', 'ann', 'ann'].entries()) {
    ids.push(store.create({ secret: n }, { uid }).id);
    clock.advance('1m');
  }
  store.create({ guest: true });
  store.touch(ids[0]!);
  const listed = store.sessionsOf('ann');
  t.deepEqual(
    listed.map(({ handle }) => handle),
    [0, 3, 2].map((n) => ids[n]!.slice(0, 16)),
  );
  t.deepEqual(listed[0], {
    handle: ids[0]!.slice(0, 16),
    uid: 'ann',
    version: 1,
    createdAt: 1_000_000,
    lastSeenAt: 1_240_000,
    idleTimeout: 1_800_000,
    absoluteDeadline: 1_000_000 + 43_200_000,
    authenticatedAt: 1_000_000,
    idleDeadline: 1_240_000 + 1_800_000,
    level: 1,
    remembered: false,
    bytes: listed[0]!.bytes,
  });
  t.true(listed[0]!.bytes > 100);
  const inPages = store.page().sessions.filter(({ uid }) => uid === 'ann');
  t.deepEqual(byHandle(listed), byHandle(inPages), 'as in a page');
  const text = JSON.stringify(listed);
  for (const id of ids) t.false(text.includes(id) || text.includes(id.slice(16)));
  t.false(text.includes('secret'));
  clock.advance(28.5 * 60_000);
  t.is(store.sessionsOf('ann').length, 2, 'one has expired');
  t.deepEqual(store.sessionsOf('nobody'), []);
});

test('S21 a listed session is ended by its handle, and only that one', (t) => {
  const store = new SessionStore();
  const [one, two] = [store.create({}, { uid: 'ann' }), store.create({}, { uid: 'ann' })];
  const [first, second] = store.sessionsOf('ann');
  t.true(store.destroyByHandle(first!.handle));
  t.deepEqual(
    store.sessionsOf('ann').map(({ handle }) => handle),
    [second!.handle],
  );
  t.is([one, two].filter(({ id }) => store.has(id)).length, 1);
});

test('S21 user ids are compared character by character, so that no user sees the sessions of another', (t) => {
  const store = new SessionStore({ maxSessionsPerUser: Infinity });
  const uids = ['ann', 'Ann', 'ann ', 'é', 'e\u0301', 'Å', '\u212b', '漢', '🎉', '__proto__', 'ａnn', 'x'.repeat(255)];
  for (const uid of uids) {
    store.create({}, { uid });
    // Beside data beyond latin1 the user id is stored in another way.
    store.create({ a: '漢' }, { uid });
  }
  for (const uid of uids) {
    const listed = store.sessionsOf(uid);
    t.is(listed.length, 2);
    t.true(listed.every((info) => info.uid === uid));
  }
});

test('S20 all sessions of a user end, whatever ids they have by now, and nobody elses do', async (t) => {
  const store = new SessionStore();
  const mine = Array.from({ length: 5 }, () => store.create({}, { uid: 'ann' }));
  const others = ['bob', 'Ann', undefined].map((uid) => store.create({}, uid === undefined ? {} : { uid }));
  const renewed = store.regenerate(mine[0]!.id)!;
  const told = record(store, ['destroyed']);
  t.is(store.destroyUser('ann'), 5);
  t.is(store.destroyUser('ann'), 0);
  for (const { id } of [...mine, renewed]) {
    t.false(store.has(id));
    t.deepEqual(store.commit(id, undefined, { late: true }), { status: 'gone' });
    t.is(store.regenerate(id, { uid: 'ann' }), undefined);
  }
  for (const { id } of others) t.true(store.has(id));
  await until(() => told.length === 5, 'all are told');
  t.deepEqual(
    byHandle(told),
    byHandle(mine.map(({ handle }) => ({ name: 'destroyed' as const, handle, uid: 'ann', reason: 'destroy-user' }))),
  );
});

test('S20 all sessions of a user end but one, which goes on under its id', async (t) => {
  const store = new SessionStore();
  const manager = new SessionManager({ store });
  const sessions: Session[] = [];
  for (let n = 0; n < 4; n += 1) {
    const session = manager.create();
    session.login('ann');
    await session.save();
    sessions.push(session);
  }
  const [mine, ...rest] = sessions;
  const { signal } = rest[0]!;
  t.is(manager.destroyUser('ann', { except: mine!.handle! }), 3);
  t.deepEqual(
    (await manager.sessionsOf('ann')).map(({ handle }) => handle),
    [mine!.handle],
  );
  t.is((await manager.load(mine!.id!))?.uid, 'ann');
  await until(() => signal.aborted, 'who waits for the end of a session is told');
  t.is((signal.reason as SessionError).reason, 'destroy-user');
});

test("S20 everyone's sessions end", async (t) => {
  const store = await openStore(t);
  const made = await Promise.all(['ann', 'bob'].map((uid) => store.create({}, { uid })));
  await store.create({});
  t.is(await store.clear(), 3);
  t.deepEqual([store.sessionsOf('ann'), store.sessionsOf('bob'), store.size], [[], [], 0]);
  t.true(made.every(({ id }) => !store.has(id)));
  await store.create({}, { uid: 'ann' });
  t.is(store.sessionsOf('ann').length, 1);
});

test('S20 a user of very many sessions is listed and ended whole', (t) => {
  const store = new SessionStore({ maxSessionsPerUser: Infinity });
  for (let n = 0; n < 3_000; n += 1) store.create({ n }, { uid: n % 3 === 0 ? 'other' : 'service' });
  const listed = store.sessionsOf('service');
  t.is(new Set(listed.map(({ handle }) => handle)).size, 2_000);
  t.is(store.destroyUser('service', { except: listed[700]!.handle }), 1_999);
  t.is(store.sessionsOf('service').length, 1);
  t.is(store.sessionsOf('other').length, 1_000);
});

for (const durability of DURABILITIES) {
  test(`S20 sessions that were ended with their user stay ended after kill -9, durability ${durability}`, async (t) => {
    const path = freshPath(t);
    const child = await StoreChild.open(t, { path, durability });
    const made: Made[] = [];
    for (let n = 0; n < 6; n += 1) made.push(await child.call<Made>('create', { n }, { uid: n < 4 ? 'ann' : 'bob' }));
    await child.call('flush');
    const except = made[0]!.id.slice(0, 16);
    t.is(await child.call('destroyUser', 'ann', { except }), 3);
    await child.kill();
    const store = await openStore(t, { path });
    t.deepEqual(
      made.map(({ id }) => store.has(id)),
      [true, false, false, false, true, true],
    );
    t.is(store.sessionsOf('ann').length, 1, 'the list is recovered with the sessions');
    t.is(store.sessionsOf('bob').length, 2);
    t.is(await store.destroyUser('bob'), 2);
    const again = await (await store.close(), openStore(t, { path }));
    t.deepEqual([again.sessionsOf('ann').length, again.sessionsOf('bob').length], [1, 0]);
  });
}

/** What other requests do to a session while its user's sessions are ended. */
const beside: ((backend: SessionBackend, id: string) => unknown)[] = [
  (backend, id) => backend.commit(id, undefined, { keys: [['slow', '1']] }),
  (backend, id) => backend.regenerate(id, undefined, { data: '{"slow":1}' }),
  (backend, id) => backend.regenerate(id, undefined, {}, { uid: 'ann' }),
  (backend, id) => backend.touch(id, 60_000),
  (backend, id) => backend.load(id, true),
  (backend, id) => backend.destroy(id.slice(0, 16), 'logout'),
];

/** A number below `most`, the same in each run. */
function numbers(seed: number): (most: number) => number {
  let state = seed;
  return (most) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * most);
  };
}

test('S20 what was ended stays ended on every id, in 1,000 interleavings with other requests', async (t) => {
  const store = new SessionStore();
  for (let seed = 1; seed <= 1_000; seed += 1) {
    const random = numbers(seed);
    const delay = async (): Promise<void> => {
      for (let turns = random(4); turns > 0; turns -= 1) await turn();
    };
    const backend = remoteBackend(store.backend, { delay });
    const { id, handle } = store.create({}, { uid: 'ann' });
    const other = store.create({}, { uid: 'bob' });
    const ids = [id];
    const requests = Array.from({ length: 4 }, async () => {
      const outcome = await beside[random(beside.length)]!(backend, id);
      const { facts } = Object(outcome) as { facts?: { id: string } };
      if (facts) ids.push(facts.id);
    });
    await Promise.all([...requests, backend.destroyUser!('ann')]);
    const live = ids.filter((each) => store.has(each));
    if (live.length > 0 || store.sessionsOf('ann').length > 0) t.fail(`seed ${seed}: ${handle} lives`);
    if (!store.has(other.id)) t.fail(`seed ${seed}: another user's session has ended`);
    store.clear();
  }
  t.pass();
});

test('S20 a login as another user that comes first is not ended, and one that comes later finds nothing', async (t) => {
  const store = new SessionStore();
  const first = store.create({}, { uid: 'ann' });
  const bob = store.regenerate(first.id, { uid: 'bob' })!;
  t.is(store.destroyUser('ann'), 0);
  t.true(store.has(bob.id));
  const second = store.create({}, { uid: 'ann' });
  t.is(store.destroyUser('ann'), 1);
  t.is(store.regenerate(second.id, { uid: 'bob' }), undefined);
  t.is(store.sessionsOf('bob').length, 1);
});

test('S20 S21 wrong arguments are refused with the fix, and nothing ends', async (t) => {
  const store = new SessionStore();
  const disk = await openStore(t);
  const manager = new SessionManager({ store });
  const { id } = store.create({}, { uid: 'ann' });
  for (const { sessionsOf } of [store, disk, manager].map((at) => ({
    sessionsOf: (uid: unknown) => at.sessionsOf(uid as string),
  }))) {
    t.throws(() => sessionsOf(5), { instanceOf: TypeError, message: /a user id is a string.*String\(id\)/ });
    for (const uid of [undefined, null, {}, ['ann'], Symbol('ann')])
      t.throws(() => sessionsOf(uid), { instanceOf: TypeError });
    for (const uid of ['', 'Guest', 'u'.repeat(256)]) t.throws(() => sessionsOf(uid), { code: 'ERR_SESSION_UID' });
    t.deepEqual(sessionsOf('ann\n'), [], 'who has it from an earlier version can be looked up');
  }
  const end = (...args: unknown[]): unknown =>
    (store.destroyUser as (...args: unknown[]) => unknown).apply(store, args);
  t.throws(() => end(5), { instanceOf: TypeError });
  t.throws(() => end('ann', { except: id }), {
    instanceOf: TypeError,
    message: /pass the handle of the session.*43 characters/,
  });
  for (const except of [5, null, {}, '', 'short', `${'A'.repeat(15)}!`]) {
    t.throws(() => end('ann', { except }), { instanceOf: TypeError, message: /option except/ });
  }
  t.throws(() => end('ann', { exept: 'x' }), { instanceOf: TypeError, message: /only except/ });
  t.throws(() => end('ann', 'handle'), { instanceOf: TypeError });
  await t.throwsAsync(disk.destroyUser(5 as never), { instanceOf: TypeError });
  await t.throwsAsync(disk.destroyUser('ann', { except: 'x' }), { instanceOf: TypeError });
  t.true(store.has(id));
  t.is(store.destroyUser('ann', { except: 'A'.repeat(16) }), 1, 'a forged handle is the exception of nobody');
});

test('S20 S21 a backend that cannot find sessions by their user says so', async (t) => {
  const { sessionsOf, destroyUser, ...without } = remoteBackend(new SessionStore().backend);
  const manager = new SessionManager({ store: without });
  for (const [name, call] of Object.entries({
    sessionsOf: () => manager.sessionsOf('ann'),
    destroyUser: () => manager.destroyUser('ann'),
  })) {
    const error = await t.throwsAsync<SessionError>(async () => void (await call()));
    t.is(error.code, 'ERR_SESSION_BACKEND');
    t.regex(error.message, new RegExp(`no ${name}\\(\\).*add it`));
  }
  t.truthy(sessionsOf && destroyUser);
});

test('S21 a list of a backend has no more than what a list shows, and what breaks the contract is refused', async (t) => {
  const store = new SessionStore();
  const right = remoteBackend(store.backend);
  const { id, handle } = store.create({ secret: 1 }, { uid: 'ann' });
  const listing = (list: (sessions: readonly object[]) => unknown): SessionManager =>
    new SessionManager({
      store: { ...right, sessionsOf: async (uid: string) => list(await right.sessionsOf!(uid)) as never },
    }) as never;
  const open = listing((sessions) => sessions.map((info) => ({ ...info, id, data: '{}' })));
  const [info] = await open.sessionsOf('ann');
  t.deepEqual(info, store.sessionsOf('ann')[0]);
  const wrong: ((sessions: readonly object[]) => unknown)[] = [
    () => undefined,
    () => ({ length: 1 }),
    () => [null],
    (sessions) => sessions.map((each) => ({ ...each, handle: id })),
    (sessions) => sessions.map((each) => ({ ...each, uid: 'bob' })),
    (sessions) => sessions.map((each) => ({ ...each, lastSeenAt: new Date() })),
  ];
  for (const list of wrong) {
    await t.throwsAsync(async () => listing(list).sessionsOf('ann'), { code: 'ERR_SESSION_BACKEND' });
  }
  for (const count of [undefined, true, -1, 1.5]) {
    const manager = new SessionManager({ store: { ...right, destroyUser: async () => count as never } });
    await t.throwsAsync(async () => manager.destroyUser('ann'), { code: 'ERR_SESSION_BACKEND' });
  }
  t.is(handle, id.slice(0, 16));
});

test('S20 S21 a closed store lists and ends nothing', async (t) => {
  const store = new SessionStore();
  const disk = await openStore(t);
  store.close();
  await disk.close();
  for (const at of [store, disk]) t.throws(() => at.sessionsOf('ann'), { code: 'ERR_SESSION_CLOSED' });
  t.throws(() => store.destroyUser('ann'), { code: 'ERR_SESSION_CLOSED' });
  await t.throwsAsync(disk.destroyUser('ann'), { code: 'ERR_SESSION_CLOSED' });
});

test('S20 a manager that still opens its store ends and lists the sessions once it is open', async (t) => {
  const path = freshPath(t);
  const before = await openStore(t, { path });
  await before.create({}, { uid: 'ann' });
  await before.close();
  const manager = new SessionManager({ path });
  t.is((await manager.sessionsOf('ann')).length, 1);
  t.is(await manager.destroyUser('ann'), 1);
  await (await manager.ready).close();
});
