/** The direct API: each method does what it says, and no more. */
import { SessionStore, type SessionRecord } from 'agai-session';
import { ManualClock } from 'agai-session/testing';
import test from 'ava';

const MINUTE = 60_000;

function open(): { store: SessionStore; clock: ManualClock } {
  const clock = new ManualClock(Date.UTC(2030, 0, 1));
  return { clock, store: new SessionStore({ clock }) };
}

test('create returns the session as it is stored', (t) => {
  const { store, clock } = open();
  const session = store.create({ cart: [1, 2] });
  t.deepEqual(session.data, { cart: [1, 2] });
  t.is(session.version, 1);
  t.is(session.uid, 'Guest');
  t.false(session.isAuthenticated);
  t.is(session.authenticatedAt, undefined);
  t.is(session.createdAt, clock.now());
  t.is(session.lastSeenAt, clock.now());
  t.is(session.idleTimeout, 30 * MINUTE);
  t.is(session.idleDeadline, clock.now() + 30 * MINUTE);
  t.is(session.absoluteDeadline, clock.now() + 12 * 60 * MINUTE);
  t.deepEqual(seen(store.get(session.id)), seen(session));
});

test('create with a uid stores a user’s session, with its own timeouts if given', (t) => {
  const { store, clock } = open();
  const session = store.create({}, { uid: 'ada', idleTimeout: '5m', absoluteTimeout: '1h' });
  t.is(session.uid, 'ada');
  t.true(session.isAuthenticated);
  t.is(session.authenticatedAt, clock.now());
  t.is(session.idleTimeout, 5 * MINUTE);
  t.is(session.absoluteDeadline, clock.now() + 60 * MINUTE);
  t.deepEqual(seen(store.get(session.id)), seen(session));
});

test('the data that is passed in and the data that is returned are copies', (t) => {
  const { store } = open();
  const given = { list: [1] };
  const session = store.create(given);
  given.list.push(2);
  (session.data['list'] as number[]).push(3);
  const read = store.get(session.id)!;
  t.deepEqual(read.data, { list: [1] });
  (read.data['list'] as number[]).push(4);
  t.deepEqual(store.get(session.id)?.data, { list: [1] });
});

test('get and has find live sessions only', (t) => {
  const { store } = open();
  const { id } = store.create({ a: 1 });
  t.deepEqual(store.get(id)?.data, { a: 1 });
  t.true(store.has(id));
  store.destroy(id);
  t.is(store.get(id), undefined);
  t.false(store.has(id));
  t.false(store.has('nobody'));
  t.is(store.get('nobody'), undefined);
});

test('get and has do not count as the user’s activity', (t) => {
  const { store, clock } = open();
  const { id } = store.create({});
  clock.advance('29m');
  t.truthy(store.get(id));
  t.true(store.has(id));
  clock.advance('1m');
  t.false(store.has(id));
  t.is(store.get(id), undefined);
});

test('commit writes from the version that was read', (t) => {
  const { store } = open();
  const { id } = store.create({ n: 1 });
  t.deepEqual(store.commit(id, 1, { n: 2 }), { status: 'ok', version: 2 });
  t.deepEqual(store.get(id)?.data, { n: 2 });
  t.deepEqual(store.commit(id, undefined, { n: 3 }), { status: 'ok', version: 3 });
});

test('commit from an old version is a conflict, which carries the current session', (t) => {
  const { store } = open();
  const { id } = store.create({ n: 1 }, { uid: 'ada' });
  store.commit(id, 1, { n: 2 });
  const result = store.commit(id, 1, { n: 'lost' });
  t.is(result.status, 'conflict');
  if (result.status !== 'conflict') return;
  t.deepEqual(result.current.data, { n: 2 });
  t.is(result.current.version, 2);
  t.is(result.current.uid, 'ada');
  t.is(store.stats().conflicts, 1);
  t.deepEqual(store.get(id)?.data, { n: 2 });
});

test('commit returns gone for a session that has ended', (t) => {
  const { store } = open();
  const { id } = store.create({});
  store.destroy(id);
  t.deepEqual(store.commit(id, 1, {}), { status: 'gone' });
  t.deepEqual(store.commit(id, undefined, {}), { status: 'gone' });
  t.is(store.size, 0);
});

test('update stores the data that the function changed in place or returned', (t) => {
  const { store } = open();
  const { id } = store.create({ n: 1 }, { uid: 'ada' });
  const inPlace = store.update(id, (data) => {
    data['n'] = 2;
  });
  t.deepEqual(inPlace?.data, { n: 2 });
  t.is(inPlace?.version, 2);
  t.is(inPlace?.uid, 'ada');
  const replaced = store.update(id, (data, session) => {
    t.is(session.version, 2);
    t.is(session.id, id);
    return { was: data['n'] };
  });
  t.deepEqual(replaced?.data, { was: 2 });
  t.deepEqual(seen(store.get(id)), seen(replaced));
});

test('update of an unknown session returns undefined and does not call the function', (t) => {
  const { store } = open();
  t.is(
    store.update('nobody', () => t.fail('called')),
    undefined,
  );
});

test('update whose function throws changes nothing', (t) => {
  const { store } = open();
  const { id } = store.create({ n: 1 });
  t.throws(
    () =>
      store.update(id, (data) => {
        data['n'] = 2;
        throw new Error('mine');
      }),
    { message: 'mine' },
  );
  t.deepEqual(store.get(id)?.data, { n: 1 });
  t.is(store.get(id)?.version, 1);
});

test('touch records activity, and sets the idle timeout if given', (t) => {
  const { store, clock } = open();
  const { id } = store.create({});
  clock.advance('29m');
  t.true(store.touch(id));
  t.is(store.get(id)?.lastSeenAt, clock.now());
  t.is(store.get(id)?.version, 1, 'no write');
  t.true(store.touch(id, { idleTimeout: '2h' }));
  t.is(store.get(id)?.idleTimeout, 120 * MINUTE);
  clock.advance('119m');
  t.true(store.has(id));
  clock.advance('1m');
  t.false(store.touch(id));
});

test('regenerate moves the session to a new id, and with a uid logs in', (t) => {
  const { store, clock } = open();
  const old = store.create({ cart: [1] });
  const { handle } = old;
  clock.advance('1m');
  const moved = store.regenerate(old.id)!;
  t.not(moved.id, old.id);
  t.is(moved.handle, handle);
  t.deepEqual(moved.data, { cart: [1] });
  t.is(moved.uid, 'Guest');
  t.false(store.has(old.id));
  clock.advance('1m');
  const user = store.regenerate(moved.id, { uid: 'ada' })!;
  t.is(user.uid, 'ada');
  t.is(user.authenticatedAt, clock.now());
  t.is(user.handle, handle);
  t.is(store.regenerate(old.id), undefined);
  t.is(store.size, 1);
});

test('destroy ends a session by its id, destroyByHandle by its handle, each once', (t) => {
  const { store } = open();
  const one = store.create({});
  const other = store.create({});
  t.true(store.destroy(one.id));
  t.false(store.destroy(one.id));
  const { handle } = other;
  t.true(store.destroyByHandle(handle));
  t.false(store.destroyByHandle(handle));
  t.false(store.has(other.id));
  t.is(store.size, 0);
});

test('the handle of an ended session is invalid, even if its slot is used again', (t) => {
  const { store } = open();
  const { id, handle } = store.create({});
  store.destroy(id);
  const next = store.create({});
  t.not(next.handle, handle);
  t.false(store.destroyByHandle(handle));
  t.true(store.has(next.id));
});

test('the handle of one store is invalid in another', (t) => {
  const one = open().store;
  const other = open().store;
  const { handle } = one.create({});
  other.create({});
  t.false(other.destroyByHandle(handle));
});

// It was silently not found: an administrator who passed the wrong one of the two ended nobody's session.
test('an id is refused as a handle, and a handle as an id, and the error names the other method', (t) => {
  const { store } = open();
  const { id, handle } = store.create({});
  t.throws(() => store.destroyByHandle(id), { instanceOf: TypeError, message: /this is an id.* `destroy`$/ });
  t.throws(() => store.destroy(handle), { instanceOf: TypeError, message: /this is a handle.* `destroyByHandle`$/ });
  t.throws(() => store.has(handle), { instanceOf: TypeError, message: /this is a handle.*destroyByHandle/ });
  t.is(store.size, 1);
});

test('clear ends all sessions and returns their number, and the store works on', (t) => {
  const { store } = open();
  const ids = Array.from({ length: 1_000 }, (_, n) => store.create({ n }, n % 2 ? { uid: `u${n}` } : {}).id);
  t.is(store.clear(), 1_000);
  t.is(store.size, 0);
  t.is(store.bytes, 0);
  t.false(ids.some((id) => store.has(id)));
  t.is(store.clear(), 0);
  t.deepEqual(store.get(store.create({ a: 1 }).id)?.data, { a: 1 });
});

test('handles from before a clear are invalid after it', (t) => {
  const { store } = open();
  const handles = Array.from({ length: 10 }, () => store.create({}).handle);
  store.clear();
  for (let n = 0; n < 10; n++) store.create({});
  t.false(handles.some((handle) => store.destroyByHandle(handle)));
  t.is(store.size, 10);
});

test('size, bytes and stats reflect every operation', (t) => {
  const { store, clock } = open();
  t.is(store.size, 0);
  t.is(store.bytes, 0);
  const guest = store.create({ a: 1 });
  const user = store.create({}, { uid: 'ada' });
  t.is(store.size, 2);
  t.true(store.bytes > 2 * 84);
  const before = store.bytes;
  store.commit(guest.id, 1, { a: 'x'.repeat(1_000) });
  // Where a key of that length lies takes two bytes instead of one.
  t.is(store.bytes - before, JSON.stringify({ a: 'x'.repeat(1_000) }).length - '{"a":1}'.length + 1);
  store.commit(guest.id, 1, {});
  store.get(user.id);
  store.get('A'.repeat(43));
  const moved = store.regenerate(user.id)!;
  store.destroy(moved.id);
  clock.advance('30m');
  t.false(store.has(guest.id));
  const { sessions, guests, users, bytes, created, committed, conflicts, regenerated, destroyed, expired, evicted } =
    store.stats();
  t.deepEqual(
    { sessions, guests, users, bytes, created, committed, conflicts, regenerated, destroyed, expired, evicted },
    {
      sessions: 0,
      guests: 0,
      users: 0,
      bytes: 0,
      created: 2,
      committed: 1,
      conflicts: 1,
      regenerated: 1,
      destroyed: 1,
      expired: 1,
      evicted: 0,
    },
  );
  t.true(store.stats().hits >= 1);
  t.true(store.stats().misses >= 1);
  t.is(store.stats().eventsDropped, 0);
});

test('text outside latin1 counts two bytes a character', (t) => {
  const { store } = open();
  store.create({ a: 'é'.repeat(100) });
  const narrow = store.bytes;
  store.clear();
  store.create({ a: '漢'.repeat(100) });
  const units = JSON.stringify({ a: '漢'.repeat(100) }).length;
  // The place of the key, and the end of the places, are characters too.
  t.is(store.bytes - narrow, units + 2);
});

test('page lists what an operator may see, without ids', (t) => {
  const { store, clock } = open();
  const { id, handle } = store.create({ secret: 1 }, { uid: 'Жанна' });
  const page = store.page();
  t.is(page.next, undefined);
  t.deepEqual(page.sessions, [
    {
      handle,
      uid: 'Жанна',
      version: 1,
      createdAt: clock.now(),
      lastSeenAt: clock.now(),
      idleTimeout: 30 * MINUTE,
      absoluteDeadline: clock.now() + 720 * MINUTE,
      authenticatedAt: clock.now(),
      idleDeadline: clock.now() + 30 * MINUTE,
      level: 1,
      remembered: false,
      bytes: store.bytes,
    },
  ]);
  t.false(JSON.stringify(page).includes(id));
  store.destroy(id);
  store.create({}, { idleTimeout: Infinity, absoluteTimeout: Infinity });
  const [guest] = store.page().sessions;
  t.is(guest?.uid, 'Guest');
  t.is(guest?.authenticatedAt, undefined);
  t.is(guest?.idleTimeout, Infinity);
  t.is(guest?.absoluteDeadline, Infinity);
});

test('all pages together list every session exactly once', (t) => {
  const { store } = open();
  const handles = Array.from({ length: 257 }, () => store.create({}).handle);
  for (const limit of [1, 7, 256, 257, 258, 10_000]) {
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const page = store.page({ cursor, limit });
      t.true(page.sessions.length <= limit);
      found.push(...page.sessions.map(({ handle }) => handle));
      cursor = page.next;
    } while (cursor !== undefined);
    t.deepEqual(found.toSorted(), handles.toSorted(), `limit ${limit}`);
  }
});

test('a page leaves out expired sessions that are not removed yet', (t) => {
  const { store, clock } = open();
  store.create({}, { idleTimeout: 10 });
  const { handle } = store.create({}, { uid: 'ada' });
  clock.advance(10);
  t.deepEqual(
    store.page().sessions.map((info) => info.handle),
    [handle],
  );
});

test('sessions() lists every session once, even if others begin and end meanwhile', (t) => {
  const { store } = open();
  t.deepEqual([...store.sessions()], []);
  const records = Array.from({ length: 3_000 }, (_, n) => store.create({ n }));
  const leave = new Set(records.filter((_, n) => n % 3 === 0).map(({ handle }) => handle));
  const stay = records.map(({ handle }) => handle).filter((handle) => !leave.has(handle));
  const found: string[] = [];
  for (const { handle } of store.sessions()) {
    found.push(handle);
    const leaver = found.length % 2 ? leave.values().next().value : undefined;
    if (leaver !== undefined) {
      leave.delete(leaver);
      store.destroyByHandle(leaver);
    } else {
      store.create({});
    }
    if (found.length > 20_000) break;
  }
  const once = new Set(found);
  t.is(once.size, found.length, 'nobody twice');
  t.true(
    stay.every((handle) => once.has(handle)),
    'nobody who stayed was missed',
  );
});

test('sessions() ends if the store is cleared meanwhile', (t) => {
  const { store } = open();
  for (let n = 0; n < 2_500; n++) store.create({ n });
  const seen = new Set<string>();
  for (const { handle } of store.sessions()) {
    if (seen.add(handle).size === 10) store.clear();
  }
  t.is(seen.size, 1_000, 'the page in hand, and nothing behind it');
});

test('sessions() continues after a long run of ended sessions', (t) => {
  const { store } = open();
  const records = Array.from({ length: 20_000 }, () => store.create({}));
  const { handle } = records.at(-1)!;
  for (const { id } of records.slice(0, -1)) store.destroy(id);
  t.deepEqual(
    [...store.sessions()].map((info) => info.handle),
    [handle],
  );
});

test('a store is disposable', (t) => {
  const { store } = open();
  store[Symbol.dispose]();
  t.throws(() => store.size, { code: 'ERR_SESSION_CLOSED' });
});

test('two stores share nothing but a clock', (t) => {
  const clock = new ManualClock(0);
  const one = new SessionStore({ clock });
  const other = new SessionStore({ clock, guestIdleTimeout: '1m' });
  const { id } = one.create({});
  const { id: brief } = other.create({});
  t.false(other.has(id));
  t.false(one.has(brief));
  clock.advance('1m');
  t.true(one.has(id));
  t.false(other.has(brief));
  other.close();
  t.true(one.has(id));
});

test('the default clock is the system clock', (t) => {
  using store = new SessionStore();
  const { createdAt } = store.create({});
  t.true(Math.abs(Date.now() - createdAt) < 5_000);
  t.true(Math.abs(store.backend.now() - createdAt) < 5_000);
});

function seen(record: SessionRecord<object> | undefined): object | undefined {
  return record && { ...record, handle: record.handle };
}
