/** A session dies on time for everybody, whether or not anybody asks for it. */
import { SessionStore, type SessionStoreOptions } from 'agai-session';
import { ManualClock } from 'agai-session/testing';
import test from 'ava';
import { record } from '../helpers/events.js';
import { until } from '../helpers/until.js';

function open(options: SessionStoreOptions = {}): { store: SessionStore; clock: ManualClock } {
  const clock = new ManualClock(1_000);
  return { clock, store: new SessionStore({ clock, ...options }) };
}

test('guests and users have an idle timeout each', (t) => {
  const { store, clock } = open({ idleTimeout: '1h', guestIdleTimeout: '5m' });
  const guest = store.create({});
  const user = store.create({}, { uid: 'ada' });
  const guestOfOwn = store.create({}, { idleTimeout: '2h' });
  clock.advance('299999ms');
  t.true(store.has(guest.id));
  clock.advance(1);
  t.false(store.has(guest.id));
  clock.advance('55m');
  t.false(store.has(user.id));
  t.true(store.has(guestOfOwn.id));
});

test('a login gives a guest the idle timeout of users', (t) => {
  const { store, clock } = open({ idleTimeout: '1h', guestIdleTimeout: '5m' });
  const user = store.regenerate(store.create({}).id, { uid: 'ada' })!;
  clock.advance('59m');
  t.true(store.has(user.id));
  clock.advance('1m');
  t.false(store.has(user.id));
});

test('activity does not move the absolute deadline, but a login restarts it', (t) => {
  const { store, clock } = open({ idleTimeout: '30m', absoluteTimeout: '1h' });
  const guest = store.create({});
  for (let n = 0; n < 2; n++) {
    clock.advance('25m');
    t.true(store.touch(guest.id));
  }
  const user = store.regenerate(guest.id, { uid: 'ada' })!;
  clock.advance('10m');
  t.true(store.touch(user.id), 'past the first hour');
  for (let n = 0; n < 2; n++) {
    clock.advance('24m');
    t.true(store.touch(user.id));
  }
  clock.advance('119999ms');
  t.true(store.touch(user.id));
  clock.advance(1);
  t.false(store.touch(user.id));
});

test('a store without timeouts keeps sessions for ever', (t) => {
  const { store, clock } = open({ idleTimeout: Infinity, absoluteTimeout: Infinity });
  const { id, idleDeadline, absoluteDeadline } = store.create({});
  t.is(idleDeadline, Infinity);
  t.is(absoluteDeadline, Infinity);
  clock.advance('5000d');
  t.true(store.has(id));
  t.is(store.get(id)?.idleDeadline, Infinity);
});

test('sessions without timeouts survive any advance of the clock', (t) => {
  const { store, clock } = open();
  const mortal = store.create({});
  const immortal = store.create({}, { idleTimeout: Infinity, absoluteTimeout: Infinity });
  clock.advance(Infinity);
  t.false(store.has(mortal.id));
  t.true(store.has(immortal.id));
});

test('expired sessions are removed by themselves, without being read', async (t) => {
  const { store, clock } = open();
  const told = record(store, ['expired']);
  for (let n = 0; n < 100; n++) store.create({ n });
  const stays = store.create({}, { idleTimeout: '2h' });
  clock.advance('30m');
  await until(() => store.size === 1, 'they are swept');
  t.is(store.stats().expired, 100);
  await until(() => told.length === 100, 'they are told');
  t.true(store.has(stays.id));
});

test('each session is removed at its own deadline', async (t) => {
  const { store, clock } = open();
  for (let minute = 1; minute <= 20; minute++) store.create({}, { idleTimeout: minute * 60_000 });
  for (let minute = 1; minute <= 20; minute++) {
    clock.advance('1m');
    await until(() => store.size === 20 - minute, `${minute} are swept`);
  }
  t.is(store.stats().expired, 20);
});

test('a session that was touched is not removed at its old deadline', async (t) => {
  const { store, clock } = open();
  const touched = store.create({});
  store.create({});
  clock.advance('20m');
  store.touch(touched.id);
  clock.advance('10m');
  await until(() => store.size === 1, 'the other is swept');
  t.true(store.has(touched.id));
  clock.advance('20m');
  await until(() => store.size === 0, 'it is swept, too');
  t.is(store.stats().expired, 2);
});

test('a session whose timeout was shortened is removed at the new deadline', async (t) => {
  const { store, clock } = open();
  const { id } = store.create({});
  store.touch(id, { idleTimeout: '1m' });
  clock.advance('1m');
  await until(() => store.size === 0, 'it is swept');
  t.is(store.stats().expired, 1);
});

test('an expiry emits one event, whether a read or the sweeper found it first', async (t) => {
  const { store, clock } = open();
  const told = record(store, ['expired', 'destroyed']);
  const ids = Array.from({ length: 2_000 }, () => store.create({}).id);
  clock.advance('30m');
  for (const id of ids) {
    t.false(store.has(id));
    t.false(store.destroy(id));
  }
  await until(() => told.length >= 2_000, 'all are told');
  t.is(told.length, 2_000);
  t.is(new Set(told.map(({ handle }) => handle)).size, 2_000);
  t.true(told.every(({ name }) => name === 'expired'));
  t.is(store.size, 0);
});

test('50,000 sessions that expire at the same instant are invisible to reads immediately, and emit one event each', async (t) => {
  const { store, clock } = open();
  const told = record(store, ['expired']);
  const ids = Array.from({ length: 50_000 }, (_, n) => store.create({ n }).id);
  t.is(store.size, 50_000);
  clock.advance('30m');
  const alive = ids.filter((id, n) => (n % 2 ? store.has(id) : store.get(id) !== undefined));
  t.is(alive.length, 0);
  t.deepEqual([...store.sessions()], []);
  const fresh = store.create({});
  await until(() => store.size === 1, 'the rest is swept');
  await until(() => told.length >= 50_000, 'all are told');
  t.is(told.length, 50_000);
  t.is(new Set(told.map(({ handle }) => handle)).size, 50_000);
  t.is(store.stats().expired, 50_000);
  t.is(store.stats().eventsDropped, 0);
  t.true(store.has(fresh.id));
});

test('50,000 expired sessions that nobody reads are removed by themselves', async (t) => {
  const { store, clock } = open();
  for (let n = 0; n < 50_000; n++) store.create({ n });
  clock.advance('30m');
  await until(() => store.size === 0, 'all are swept');
  t.is(store.bytes, 0);
  t.is(store.stats().expired, 50_000);
});

test('the manual clock stands still until it is moved, and moves by literals', (t) => {
  const clock = new ManualClock(5);
  t.is(clock.now(), 5);
  clock.advance(10);
  clock.advance('1s');
  clock.advance('0.5s');
  t.is(clock.now(), 1_515);
  const before = Date.now();
  const now = new ManualClock().now();
  t.true(now >= before && now <= Date.now());
});

test('a manual clock refuses to move backwards or by nothing', (t) => {
  const clock = new ManualClock(5);
  for (const by of [0, -1, NaN, 0.5, -Infinity, '1y', '', null, undefined, {}, 5n] as never[]) {
    t.throws(() => clock.advance(by), { message: /^option advance: / });
  }
  t.is(clock.now(), 5);
});

// NaN and -1 were taken for 0, and a text was refused by the addon in words about Rust.
test('a manual clock starts at the given time', (t) => {
  for (const now of [NaN, -1, 0.5, 'x', null, {}] as never[]) {
    const error = t.throws(() => new ManualClock(now));
    t.true(error instanceof TypeError || error instanceof RangeError, String(now));
  }
});
