/** The bounds hold, and room is made in the right order: the dead, then guests, then users, the least recently used first. */
import { SessionStore, type SessionStoreOptions } from 'agai-session';
import { ManualClock } from 'agai-session/testing';
import test from 'ava';

function open(options: SessionStoreOptions): { store: SessionStore; clock: ManualClock } {
  const clock = new ManualClock(0);
  return { clock, store: new SessionStore({ clock, ...options }) };
}

test('maxSessions is not exceeded: the least recently used session is evicted', (t) => {
  const { store } = open({ maxSessions: 3 });
  const [a, b, c] = [store.create({}), store.create({}), store.create({})];
  store.get(a.id);
  const d = store.create({});
  t.is(store.size, 3);
  t.deepEqual(
    [a, b, c, d].map(({ id }) => store.has(id)),
    [true, false, true, true],
  );
  t.is(store.stats().evicted, 1);
});

for (const [what, use] of [
  ['reading', (store: SessionStore, id: string) => store.get(id)],
  ['touching', (store: SessionStore, id: string) => store.touch(id)],
  ['writing', (store: SessionStore, id: string) => store.commit(id, undefined, {})],
  ['updating', (store: SessionStore, id: string) => store.update(id, () => {})],
] as const) {
  test(`${what} a session makes it the most recently used`, (t) => {
    const { store } = open({ maxSessions: 2 });
    const [a, b] = [store.create({}), store.create({})];
    use(store, a.id);
    store.create({});
    t.true(store.has(a.id));
    t.false(store.has(b.id));
  });
}

test('has and listings do not count as a use', (t) => {
  const { store } = open({ maxSessions: 2 });
  const [a, b] = [store.create({}), store.create({})];
  store.has(a.id);
  t.is([...store.sessions()].length, 2);
  store.create({});
  t.false(store.has(a.id));
  t.true(store.has(b.id));
});

test('guests are evicted before users, however recently they were used', (t) => {
  const { store } = open({ maxSessions: 4 });
  const users = [store.create({}, { uid: 'ada' }), store.create({}, { uid: 'bob' })];
  const guests = [store.create({}), store.create({})];
  for (const { id } of guests) store.get(id);
  store.create({}, { uid: 'eve' });
  t.true(users.every(({ id }) => store.has(id)));
  t.deepEqual(
    guests.map(({ id }) => store.has(id)),
    [false, true],
  );
  store.create({}, { uid: 'mallory' });
  t.true(users.every(({ id }) => store.has(id)));
  t.is(store.stats().guests, 0);
  store.create({}, { uid: 'trent' });
  t.deepEqual(
    users.map(({ id }) => store.has(id)),
    [false, true],
    'then the user used longest ago',
  );
});

test('a guest is refused if only users could be evicted', (t) => {
  const { store } = open({ maxSessions: 3 });
  const users = Array.from({ length: 3 }, (_, n) => store.create({}, { uid: `u${n}` }));
  t.throws(() => store.create({}), { name: 'SessionError', code: 'ERR_SESSION_FULL', message: /maxSessions 3/ });
  t.true(users.every(({ id }) => store.has(id)));
  t.is(store.stats().evicted, 0);
  store.destroy(users[0]!.id);
  t.truthy(store.create({}), 'there is room again');
});

test('a guest’s session counts as a user’s from its login on', (t) => {
  const { store } = open({ maxSessions: 2 });
  const user = store.regenerate(store.create({}).id, { uid: 'ada' })!;
  const guest = store.create({});
  store.get(guest.id);
  store.create({});
  t.true(store.has(user.id));
  t.false(store.has(guest.id));
  t.is(store.stats().users, 1);
});

test('maxBytes is not exceeded, however many evictions that takes', (t) => {
  const { store } = open({ maxBytes: 10_000, maxSessionBytes: 5_000 });
  const small = Array.from({ length: 60 }, (_, n) => store.create({ n, a: 'x'.repeat(100) }));
  t.true(store.size < 60);
  t.true(store.bytes <= 10_000);
  const large = store.create({ a: 'x'.repeat(4_900) });
  t.true(store.bytes <= 10_000);
  t.true(store.has(large.id));
  const left = small.map(({ id }) => store.has(id));
  t.true(left.lastIndexOf(false) < left.indexOf(true), 'the oldest went');
  t.is(store.stats().evicted, left.filter((there) => !there).length);
});

test('a session that grows evicts others, never itself', (t) => {
  const { store } = open({ maxBytes: 5_000, maxSessionBytes: 4_000 });
  const grows = store.create({});
  const others = Array.from({ length: 20 }, () => store.create({ a: 'x'.repeat(50) }));
  t.is(store.commit(grows.id, 1, { a: 'x'.repeat(3_900) }).status, 'ok');
  t.true(store.bytes <= 5_000);
  t.is(store.get(grows.id)?.data['a'], 'x'.repeat(3_900));
  t.false(store.has(others[0]!.id));
  t.true(store.has(others.at(-1)!.id));
});

test('a guest’s session that cannot grow because only users could be evicted is unchanged', (t) => {
  const { store } = open({ maxBytes: 5_000, maxSessionBytes: 4_000 });
  const user = store.create({ a: 'x'.repeat(3_000) }, { uid: 'ada' });
  const guest = store.create({ a: 1 });
  t.throws(() => store.commit(guest.id, 1, { a: 'x'.repeat(3_000) }), {
    code: 'ERR_SESSION_FULL',
    message: /maxBytes 5000/,
  });
  t.deepEqual(store.get(guest.id)?.data, { a: 1 });
  t.is(store.get(guest.id)?.version, 1);
  t.true(store.has(user.id));
});

test('a session that shrinks or ends frees its bytes', (t) => {
  const { store } = open({});
  const { id } = store.create({ a: 'x'.repeat(10_000) });
  const before = store.bytes;
  store.commit(id, 1, {});
  // Where a key of that length lies takes two bytes.
  t.is(before - store.bytes, JSON.stringify({ a: 'x'.repeat(10_000) }).length - 2 + 2);
  store.destroy(id);
  t.is(store.bytes, 0);
});

test('expired sessions are removed before live ones are evicted', (t) => {
  const { store, clock } = open({ maxSessions: 3 });
  const living = store.create({}, { idleTimeout: '10h' });
  store.create({}, { uid: 'ada', idleTimeout: '1m' });
  store.create({}, { uid: 'bob', idleTimeout: '1m' });
  clock.advance('1m');
  store.create({});
  store.create({});
  t.true(store.has(living.id));
  t.is(store.stats().expired, 2);
  t.is(store.stats().evicted, 0);
});

test('the smallest store holds one session', (t) => {
  const { store } = open({ maxSessions: 1 });
  const ids = Array.from({ length: 50 }, (_, n) => store.create({ n }).id);
  t.is(store.size, 1);
  t.true(store.has(ids.at(-1)!));
});

test('a store stays within its bounds during a long mix of all operations', (t) => {
  const { store, clock } = open({ maxSessions: 50, maxBytes: 20_000, maxSessionBytes: 3_000 });
  const ids: string[] = [];
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed % below;
  };
  for (let n = 0; n < 5_000; n++) {
    const data = { a: (random(2) ? 'x' : '漢').repeat(random(900)) };
    const id = ids[random(Math.max(ids.length, 1))] ?? '';
    try {
      if (random(3) === 0) ids.push(store.create(data, random(2) ? { uid: `u${n}` } : {}).id);
      else if (random(2)) store.commit(id, undefined, data);
      else if (random(4) === 0) ids.push(store.regenerate(id, random(2) ? { uid: 'ada' } : {})?.id ?? '');
      else store.touch(id);
    } catch (error) {
      t.is((error as { code?: string }).code, 'ERR_SESSION_FULL');
    }
    if (random(50) === 0) clock.advance('3m');
    if (store.size > 50 || store.bytes > 20_000) t.fail(`${store.size} sessions, ${store.bytes} bytes`);
  }
  const listed = [...store.sessions()];
  t.true(store.stats().evicted > 0 && store.stats().expired > 0);
  t.true(listed.reduce((sum, { bytes }) => sum + bytes, 0) <= store.bytes);
});

// The options were accepted, and then no session of the size they allow could be stored.
test('a session of maxSessionBytes fits in a store whose options were accepted', (t) => {
  const data = { a: 'x'.repeat(1_000 - '{"a":""}'.length) };
  for (let maxBytes = 1_000; maxBytes < 1_300; maxBytes += 2) {
    let store: SessionStore;
    try {
      store = open({ maxBytes, maxSessionBytes: 1_000 }).store;
    } catch (error) {
      t.true(error instanceof RangeError);
      continue;
    }
    t.notThrows(() => store.create(data), `a guest's in maxBytes ${maxBytes}`);
    t.notThrows(() => store.create(data, { uid: 'ada' }), `a user's in maxBytes ${maxBytes}`);
  }
});

// Room was made for it step by step, and that there would never be enough was seen only when nobody was left.
test('a session that cannot fit is refused before it evicts any other', (t) => {
  const { store } = open({ maxBytes: 4_096, maxSessionBytes: 1_024 });
  for (let n = 0; n < 10; n++) store.create({ n }, { uid: `u${n}` });
  t.throws(() => store.backend.create({ data: '{}', uid: 'ada', form: 'f'.repeat(5_000) }), {
    code: 'ERR_SESSION_TOO_LARGE',
  });
  t.is(store.size, 10);
  t.is(store.stats().evicted, 0);
});

// The form parameters were not counted: whoever sent long ones could have sessions of any size.
test('form parameters count for maxSessionBytes', (t) => {
  const { store } = open({ maxSessionBytes: 100 });
  const refused = { code: 'ERR_SESSION_TOO_LARGE' };
  t.throws(() => store.backend.create({ data: '{}', form: 'f'.repeat(99) }), refused);
  const { id } = store.create({ a: 'x'.repeat(80) });
  t.throws(() => store.backend.commit(id, 1, { form: 'f'.repeat(20) }), refused);
  t.throws(() => store.backend.regenerate(id, 1, { form: 'f'.repeat(20) }, { uid: 'ada' }), refused);
  t.like(store.backend.commit(id, 1, { form: 'f'.repeat(10) }), { status: 'ok' });
});

// The same by the front door: a guest's session of an allowed size ended all other guests' and was then refused.
test('a guest that is refused because of the users evicts no other guest', (t) => {
  const { store } = open({ maxBytes: 4_096, maxSessionBytes: 3_000 });
  store.create({ a: 'x'.repeat(2_500) }, { uid: 'ada' });
  const guests = Array.from({ length: 5 }, () => store.create({}));
  t.throws(() => store.create({ a: 'x'.repeat(2_500) }), { code: 'ERR_SESSION_FULL' });
  t.true(guests.every(({ id }) => store.has(id)));
});
