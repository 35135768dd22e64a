/** What a store tells its listeners: everything once, in order, never an id, and nobody is disturbed. */
import { SessionStore, type SessionStoreOptions } from 'agai-session';
import { ManualClock } from 'agai-session/testing';
import test from 'ava';
import { record } from '../helpers/events.js';
import { runFixture } from '../helpers/fixture.js';
import { aWhile, until } from '../helpers/until.js';

function open(options: SessionStoreOptions = {}): { store: SessionStore; clock: ManualClock } {
  const clock = new ManualClock(0);
  return { clock, store: new SessionStore({ clock, ...options }) };
}

test('everything that happens emits an event with its reason, in order', async (t) => {
  const { store } = open();
  const told = record(store);
  const guest = store.create({});
  const user = store.create({}, { uid: 'Жанна' });
  const [guestHandle, userHandle] = [guest.handle, user.handle];
  const moved = store.regenerate(guest.id)!;
  const login = store.regenerate(moved.id, { uid: 'ada' })!;
  store.destroy(user.id);
  const another = store.regenerate(login.id, { uid: 'bob' })!;
  store.backend.destroy(another.handle, 'logout');
  const third = store.create({});
  const { handle } = third;
  store.destroyByHandle(handle);
  await until(() => told.length >= 10, 'all is told');
  t.deepEqual(told, [
    { name: 'created', reason: 'create', handle: guestHandle, uid: 'Guest' },
    { name: 'created', reason: 'create', handle: userHandle, uid: 'Жанна' },
    { name: 'regenerated', reason: 'regenerate', handle: guestHandle, uid: 'Guest' },
    { name: 'regenerated', reason: 'login', handle: guestHandle, uid: 'ada' },
    { name: 'destroyed', reason: 'destroy', handle: userHandle, uid: 'Жанна' },
    { name: 'destroyed', reason: 'login', handle: guestHandle, uid: 'ada' },
    { name: 'created', reason: 'login', handle: another.handle, uid: 'bob' },
    { name: 'destroyed', reason: 'logout', handle: another.handle, uid: 'bob' },
    { name: 'created', reason: 'create', handle, uid: 'Guest' },
    { name: 'destroyed', reason: 'destroy', handle, uid: 'Guest' },
  ]);
});

test('the event of an expiry names the deadline that passed', async (t) => {
  const { store, clock } = open({ idleTimeout: '10m', absoluteTimeout: '1h' });
  const told = record(store, ['expired']);
  const idle = store.create({}, { uid: 'idle' }).handle;
  const active = store.create({}, { uid: 'active', idleTimeout: Infinity });
  const { handle } = active;
  clock.advance('10m');
  await until(() => told.length === 1, 'the first is told');
  clock.advance('50m');
  await until(() => told.length === 2, 'the second is told');
  t.deepEqual(told, [
    { name: 'expired', reason: 'idle-timeout', handle: idle, uid: 'idle' },
    { name: 'expired', reason: 'absolute-timeout', handle, uid: 'active' },
  ]);
});

test('the event of an eviction names the bound that was reached', async (t) => {
  const few = open({ maxSessions: 1 }).store;
  const small = open({ maxBytes: 1_700, maxSessionBytes: 740 }).store;
  const told = [record(few, ['evicted']), record(small, ['evicted'])] as const;
  const handles = [few, small].map((store) => store.create({ a: 'x'.repeat(720) }, { uid: 'ada' }).handle);
  for (const store of [few, small]) store.create({ a: 'x'.repeat(720) }, { uid: 'bob' });
  await until(() => told[0].length === 1 && told[1].length === 1, 'both are told');
  t.deepEqual(told[0], [{ name: 'evicted', reason: 'max-sessions', handle: handles[0]!, uid: 'ada' }]);
  t.deepEqual(told[1], [{ name: 'evicted', reason: 'max-bytes', handle: handles[1]!, uid: 'ada' }]);
});

test('clear emits an event for every session that it ended', async (t) => {
  const { store } = open();
  const handles = Array.from({ length: 700 }, (_, n) => store.create({}, { uid: `u${n}` }).handle);
  const told = record(store);
  store.clear();
  const { handle } = store.create({});
  await until(() => told.length === 701, 'all are told');
  const cleared = told.filter(({ name }) => name === 'destroyed');
  t.deepEqual(cleared.map((event) => event.handle).toSorted(), handles.toSorted());
  t.true(cleared.every(({ reason, uid }) => reason === 'clear' && /^u\d+$/.test(uid)));
  t.deepEqual(
    told.filter(({ name }) => name === 'created').map((event) => event.handle),
    [handle],
  );
});

test('the handle in an event can be used to end the session', async (t) => {
  const { store } = open();
  store.on('created', ({ handle }) => t.true(store.destroyByHandle(handle)));
  const { id } = store.create({});
  await until(() => !store.has(id), 'the listener ended it');
  t.is(store.size, 0);
});

test('events arrive asynchronously, in the order they happened, many in one turn', async (t) => {
  const { store } = open();
  const uids: string[] = [];
  let turns = 0;
  // The turns that brought any: on a busy machine others pass before the first.
  const brought = new Set<number>();
  let counting = true;
  const count = (): void => {
    turns++;
    if (counting) setImmediate(count);
  };
  store.on('created', ({ uid }) => {
    brought.add(turns);
    uids.push(uid);
  });
  for (let n = 0; n < 5_000; n++) store.create({}, { uid: `u${n}` });
  t.is(uids.length, 0, 'not during the call');
  setImmediate(count);
  await until(() => uids.length === 5_000, 'all are told');
  counting = false;
  t.deepEqual(
    uids,
    Array.from({ length: 5_000 }, (_, n) => `u${n}`),
  );
  t.true(brought.size < 500, `${brought.size} turns: in batches, not one by one`);
  t.true(brought.size > 2, `${brought.size} turns: others had theirs in between`);
});

// Only the first batches arrived where nothing else turned the event loop: the rest waited for the next request.
test('all events arrive even if the process is otherwise idle', async (t) => {
  const outcome = await runFixture('events-in-a-quiet-process.mjs');
  const { told, expected } = outcome.answer<{ told: number; expected: number }>();
  t.is(told, expected);
});

test('a listener is called only for events after it was added', async (t) => {
  const { store } = open();
  store.create({}, { uid: 'before' });
  const uids: string[] = [];
  store.on('created', ({ uid }) => uids.push(uid));
  store.create({}, { uid: 'after' });
  await until(() => uids.length > 0, 'it is told');
  await aWhile();
  t.deepEqual(uids, ['after']);
});

test('off removes that listener from that event only', async (t) => {
  const { store } = open();
  const calls: string[] = [];
  const one = (): unknown => calls.push('one');
  const other = (): unknown => calls.push('other');
  t.is(store.on('created', one).on('destroyed', one).on('created', other), store, 'calls chain');
  t.is(store.off('created', one), store);
  store.off('created', () => {});
  const { id } = store.create({});
  store.destroy(id);
  await until(() => calls.length === 2, 'two are told');
  await aWhile();
  t.deepEqual(calls, ['other', 'one']);
  store.off('created', other).off('destroyed', one);
  store.create({});
  await aWhile();
  t.is(calls.length, 2);
});

test('a listener that was removed is not called for events that are still queued', async (t) => {
  const { store } = open();
  const listener = (): void => t.fail('called');
  store.on('created', listener);
  store.create({});
  store.off('created', listener);
  await aWhile();
  t.is(store.size, 1);
});

test('a listener that is added twice is called twice, as by every emitter of Node.js', async (t) => {
  const { store } = open();
  let calls = 0;
  const listener = (): unknown => calls++;
  store.on('created', listener).on('created', listener);
  store.create({});
  await until(() => calls > 0, 'it is told');
  await aWhile();
  t.is(calls, 2);
});

test('no listener is called after close', async (t) => {
  const { store, clock } = open();
  const told = record(store);
  for (let n = 0; n < 1_000; n++) store.create({});
  store.clear();
  for (let n = 0; n < 1_000; n++) store.create({});
  clock.advance('1h');
  store.close();
  await aWhile();
  t.is(told.length, 0);
});

test('once a listener closes the store, no further event of the batch is delivered', async (t) => {
  const { store } = open();
  let calls = 0;
  store.on('created', () => {
    calls++;
    store.close();
  });
  for (let n = 0; n < 600; n++) store.create({});
  await until(() => calls > 0, 'the first is told');
  await aWhile();
  t.is(calls, 1);
});

// A store closed by one listener of an event went on with the next listener of that event.
test('once a listener closes the store, no further listener of the event is called', async (t) => {
  const { store } = open();
  const calls: string[] = [];
  store.on('created', () => {
    calls.push('first');
    store.close();
  });
  store.on('created', () => calls.push('second'));
  store.create({});
  await until(() => calls.length > 0, 'the first is told');
  await aWhile();
  t.deepEqual(calls, ['first']);
});

// A listener that added another at each event never came to an end: the new one was called for the same event.
test('a listener that is added during an event is called from the next event on', async (t) => {
  const { store } = open();
  const calls: string[] = [];
  let added = false;
  store.on('created', ({ uid }) => {
    calls.push(`first ${uid}`);
    if (!added) store.on('created', (event) => calls.push(`added ${event.uid}`));
    added = true;
  });
  store.create({}, { uid: 'a' });
  await until(() => calls.length > 0, 'the first event is told');
  await aWhile();
  store.create({}, { uid: 'b' });
  await until(() => calls.includes('added b'), 'the second event is told');
  t.deepEqual(calls, ['first a', 'first b', 'added b']);
});

test('a listener that another one removes during the event is not called', async (t) => {
  const { store } = open();
  const calls: string[] = [];
  const last = (): unknown => calls.push('last');
  store.on('created', () => {
    calls.push('first');
    store.off('created', last);
  });
  store.on('created', last);
  store.create({});
  await until(() => calls.length > 0, 'the first is told');
  await aWhile();
  t.deepEqual(calls, ['first']);
});

test.serial('a listener that throws becomes a warning, and the others are still called', async (t) => {
  const { store } = open();
  const warnings: (Error & { code?: string; detail?: string })[] = [];
  const onWarning = (warning: Error): unknown => warnings.push(warning);
  process.on('warning', onWarning);
  const calls: string[] = [];
  store.on('created', () => {
    throw new Error('mine');
  });
  store.on('created', ({ uid }) => calls.push(uid));
  store.on('created', () => {
    // oxlint-disable-next-line no-throw-literal, typescript/only-throw-error -- any listener may
    throw null;
  });
  store.create({}, { uid: 'a' });
  store.create({}, { uid: 'b' });
  await until(() => calls.length === 2 && warnings.length === 4, 'all was told and warned of');
  process.off('warning', onWarning);
  t.deepEqual(calls, ['a', 'b']);
  t.true(warnings.every(({ name, code }) => name === 'SessionWarning' && code === 'SESSION_LISTENER_THREW'));
  t.regex(warnings[0]!.message, /"created"/);
  t.regex(warnings[0]!.detail ?? '', /mine/);
  t.is(warnings[1]!.detail, 'null');
});

test('unknown events, and listeners that are not functions, are refused', (t) => {
  const { store } = open();
  for (const name of ['nope', '', 'toString', '__proto__', undefined, 5, Symbol('s')]) {
    t.throws(() => store.on(name as 'created', () => {}), { instanceOf: TypeError, message: /created, regenerated/ });
  }
  for (const listener of [undefined, null, 'text', {}, 5]) {
    t.throws(() => store.on('created', listener as () => void), { instanceOf: TypeError, message: /created/ });
  }
});

test('events without listeners are not created, so none is queued or dropped', async (t) => {
  const { store } = open();
  for (let n = 0; n < 1_000; n++) store.destroy(store.create({}).id);
  const told = record(store, ['expired']);
  await aWhile();
  t.is(told.length, 0);
  t.is(store.stats().eventsDropped, 0);
});

test('an async listener is not awaited', async (t) => {
  const { store } = open();
  const calls: string[] = [];
  store.on('created', async ({ uid }) => {
    await aWhile();
    calls.push(`end ${uid}`);
  });
  store.on('created', ({ uid }) => calls.push(uid));
  store.create({}, { uid: 'a' });
  store.create({}, { uid: 'b' });
  await until(() => calls.length === 4, 'all ended');
  t.deepEqual(calls, ['a', 'b', 'end a', 'end b']);
});

// A store that was closed while events waited asked for them a thousand times a second, for ever, and was never collected.
test.serial('a closed store no longer takes events from the addon', async (t) => {
  const { store } = open();
  store.on('created', () => undefined);
  store.create({});
  store.close();
  const other = open().store;
  other.on('created', () => other.close());
  other.create({});
  await aWhile();
  const real = globalThis.setTimeout;
  let timers = 0;
  globalThis.setTimeout = ((...args: Parameters<typeof real>) => {
    timers += 1;
    return real(...args);
  }) as typeof real;
  t.teardown(() => {
    globalThis.setTimeout = real;
  });
  await new Promise((resolve) => real(resolve, 50));
  t.is(timers, 0);
});
