/** What a store contains when it is opened again. */
import { SessionManager, type MaybePromise, type SessionFacts } from 'agai-session';
import { ManualClock } from 'agai-session/testing';
import test from 'ava';
import { DURABILITIES, openStore, reopen } from '../helpers/durable.js';

const TEXTS = ['', 'é ÿ', 'ž 漢字 €', '👩‍👩‍👧 🎉', '\ud800', 'x'.repeat(20_000)];

for (const durability of DURABILITIES) {
  test(`${durability}: every fact of a session is the same after reopening`, async (t) => {
    const clock = new ManualClock(Date.UTC(2030, 0, 1));
    const store = await openStore(t, { clock, durability });
    const made = [
      await store.create({ n: 1 }),
      await store.create({ n: 2 }, { uid: 'ann' }),
      await store.create({ n: 3 }, { idleTimeout: '2h', absoluteTimeout: '3h' }),
      await store.create({ n: 4 }, { idleTimeout: Infinity, absoluteTimeout: Infinity }),
    ];
    clock.advance('1m');
    await store.commit(made[0]!.id, 1, { n: 'changed' });
    const moved = await store.regenerate(made[1]!.id, { uid: 'bob' });
    const ids = [made[0]!.id, moved!.id, made[2]!.id, made[3]!.id];
    const before = ids.map((id) => store.get(id)!.toJSON());
    const again = await reopen(t, store, { clock });
    const now = ids.map((id) => again.get(id)!.toJSON());
    t.deepEqual(now, before);
    t.is(again.size, 4);
    t.false(again.has(made[1]!.id), 'the old id of a session that was moved stays dead');
    t.false(again.recovery.created);
    t.is(again.recovery.sessions, 4);
  });

  test(`${durability}: a session that was ended stays ended after reopening`, async (t) => {
    const store = await openStore(t, { durability });
    const destroyed = await store.create({}, { uid: 'ann' });
    const byHandle = await store.create({}, { uid: 'ann' });
    const loggedOut = await store.create({}, { uid: 'ann' });
    const kept = await store.create({}, { uid: 'ann' });
    t.true(await store.destroy(destroyed.id));
    t.true(await store.destroyByHandle(byHandle.handle));
    t.true(await store.backend.destroy(loggedOut.handle, 'logout'));
    const again = await reopen(t, store);
    for (const { id } of [destroyed, byHandle, loggedOut]) t.is(again.get(id), undefined);
    t.true(again.has(kept.id));
    t.is(await again.clear(), 1);
    const empty = await reopen(t, again);
    t.is(empty.size, 0);
    t.false(empty.has(kept.id));
  });
}

test('every text is read back unchanged', async (t) => {
  const store = await openStore(t);
  // Past the checks of the typed store, which refuse some of these as user ids.
  const create = (text: string): MaybePromise<SessionFacts> =>
    store.backend.create({ data: JSON.stringify({ text }), uid: `u${text}`.slice(0, 255) });
  const made = await Promise.all(TEXTS.map(create));
  const again = await reopen(t, store);
  t.deepEqual(
    made.map(({ id }) => [again.get(id)?.data['text'], again.get(id)?.uid]),
    TEXTS.map((text) => [text, `u${text}`.slice(0, 255)]),
  );
});

test('activity is stored: the idle timeout of a session counts from its last touch', async (t) => {
  const clock = new ManualClock(Date.UTC(2030, 0, 1));
  const store = await openStore(t, { clock, idleTimeout: '30m' });
  const { id } = await store.create({});
  clock.advance('20m');
  t.true(store.touch(id));
  const again = await reopen(t, store, { clock, idleTimeout: '30m' });
  clock.advance('20m');
  t.true(again.has(id));
  clock.advance('10m');
  t.false(again.has(id));
});

test('a session whose deadline passed while the store was closed is expired, and counted as such', async (t) => {
  const clock = new ManualClock(Date.UTC(2030, 0, 1));
  const store = await openStore(t, { clock });
  const { id } = await store.create({}, { idleTimeout: '1m' });
  const kept = await store.create({});
  await store.close();
  clock.advance('1m');
  const again = await openStore(t, { path: store.path, clock });
  t.false(again.has(id));
  t.true(again.has(kept.id));
  t.is(again.size, 1);
  t.is(again.recovery.expired, 1);
});

// A user whose session was larger than a lowered bound could read it, but not log in.
test('a session larger than a lowered maxSessionBytes can be read, logged in and changed, but not made larger', async (t) => {
  const store = await openStore<{ text: string }>(t, { maxSessionBytes: '1MiB' });
  const text = 'x'.repeat(500 * 1024);
  const { id } = await store.create({ text });
  const again = await reopen(t, store, { maxSessionBytes: '64KiB' });
  const manager = new SessionManager<{ text: string }>({ store: again });
  const found = (await manager.load(id))!;
  t.is(found.data.text, text);
  await found.login('ann');
  await found.save();
  t.false(again.has(id));
  const loggedIn = (await manager.load(found.id!))!;
  t.deepEqual([loggedIn.uid, loggedIn.data.text], ['ann', text]);
  loggedIn.data.text = text.toUpperCase();
  await loggedIn.save();
  loggedIn.data.text = `${text}!`;
  await t.throwsAsync(async () => loggedIn.save(), { code: 'ERR_SESSION_TOO_LARGE' });
  await t.throwsAsync(again.commit(found.id!, undefined, { text }), { code: 'ERR_SESSION_TOO_LARGE' });
  t.is(again.get(found.id!)?.data.text, text.toUpperCase());
});

test('recovered sessions are written, renewed and ended like any other', async (t) => {
  const store = await openStore<{ n: number }>(t);
  const { id, version } = await store.create({ n: 1 });
  const again = await reopen(t, store);
  t.deepEqual(await again.commit(id, version, { n: 2 }), { status: 'ok', version: version + 1 });
  t.is((await again.commit(id, version, { n: 3 })).status, 'conflict');
  const moved = await again.regenerate(id, { uid: 'ann' });
  t.is(moved?.data.n, 2);
  t.true(await again.destroy(moved!.id));
  t.is(again.size, 0);
});
