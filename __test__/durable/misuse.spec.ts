/** Calls at the wrong moment, repeated calls, and calls with invalid arguments. */
import { SessionStore, type DurableSessionStore } from 'agai-session';
import test from 'ava';
import { DURABILITIES, freshPath, openStore } from '../helpers/durable.js';
import { StoreChild } from '../helpers/store-child.js';
import { until } from '../helpers/until.js';

const ID = 'A'.repeat(43);

test('a store in memory has nothing to flush or to checkpoint', (t) => {
  const store = new SessionStore();
  for (const name of ['flush', 'checkpoint', 'path', 'degraded', 'recovery']) t.false(name in store, name);
  t.throws(() => store.on('checkpoint' as never, () => undefined), { instanceOf: TypeError });
  t.throws(() => new SessionStore({ path: freshPath(t) } as object), {
    instanceOf: TypeError,
    message: /SessionStore\.open/,
  });
});

for (const durability of DURABILITIES) {
  test(`${durability}: calls made before a close are completed, and calls after it are refused`, async (t) => {
    const store = await openStore(t, { durability });
    const { id } = await store.create({ n: 0 });
    const before = [store.checkpoint(), store.flush(), store.commit(id, undefined, { n: 1 }), store.destroy(id)];
    const closing = store.close();
    const after = [store.checkpoint(), store.flush(), store.commit(id, undefined, { n: 2 }), store.destroy(id)];
    const refused = await Promise.allSettled(after);
    t.deepEqual(
      refused.map((outcome) => outcome.status === 'rejected' && (outcome.reason as { code: string }).code),
      refused.map(() => 'ERR_SESSION_CLOSED'),
    );
    const [checkpoint, ...rest] = await Promise.allSettled(before);
    t.deepEqual(
      rest.map(({ status }) => status),
      rest.map(() => 'fulfilled'),
    );
    // The close writes a checkpoint of its own if that is worth it.
    const isDone = checkpoint!.status === 'fulfilled';
    t.true(isDone || (checkpoint as PromiseRejectedResult).reason.code === 'ERR_SESSION_CLOSED');
    await closing;
    const again = await openStore(t, { path: store.path });
    t.false(again.has(id));
  });
}

test('a store can be closed from inside listeners and callbacks', async (t) => {
  const store = await openStore(t);
  const { id } = await store.create({ n: 0 });
  let closing: Promise<void> | undefined;
  store.on('destroyed', () => (closing = store.close()));
  t.true(await store.destroy(id));
  await until(() => closing !== undefined, 'the listener was told');
  await closing;
  const again = await openStore(t, { path: store.path });
  const made = await again.create({ n: 0 });
  await t.throwsAsync(
    again.update(made.id, () => void again.close()),
    { code: 'ERR_SESSION_CLOSED' },
  );
});

test('stores can be opened and closed in any order and at the same time', async (t) => {
  const path = freshPath(t);
  const stores = await Promise.all(Array.from({ length: 20 }, () => SessionStore.open({ path })));
  const { id } = await stores[0]!.create({ n: 1 });
  t.true(
    stores.every((store) => store.has(id)),
    'they are one',
  );
  const [last, ...others] = stores.toReversed() as [DurableSessionStore, ...DurableSessionStore[]];
  await Promise.all(others.map((store) => store.close()));
  t.true(last.has(id), 'the last one is open');
  t.throws(() => others[0]!.has(id), { code: 'ERR_SESSION_CLOSED' });
  const closing = last.close();
  const opening = SessionStore.open({ path });
  await closing;
  const again = await opening;
  t.true(again.has(id));
  await again.close();
});

test('calls for a session that does not exist, or without a valid id, change nothing', async (t) => {
  const store = await openStore(t);
  t.false(await store.destroy(ID));
  t.false(await store.destroyByHandle('A'.repeat(22)));
  t.is(await store.regenerate(ID), undefined);
  t.is(await store.update(ID, () => t.fail('there is nothing to change')), undefined);
  t.is((await store.commit(ID, undefined, {})).status, 'gone');
  t.is(await store.clear(), 0);
  for (const id of ['', 'x', 'A'.repeat(10_000), '../../etc/passwd', 'ž'.repeat(43)]) {
    t.false(await store.destroy(id), id.slice(0, 20));
  }
  for (const id of [undefined, null, 7, {}]) {
    await t.throwsAsync(store.destroy(id as never), { instanceOf: TypeError });
    await t.throwsAsync(store.commit(id as never, undefined, {}), { instanceOf: TypeError });
    await t.throwsAsync(store.regenerate(id as never), { instanceOf: TypeError });
  }
  for (const version of [0, -1, 1.5, NaN, Infinity, '1', null]) {
    await t.throwsAsync(store.commit(ID, version as never, {}), undefined, String(version));
  }
  for (const data of [undefined, null, 7, 'text', () => 1]) {
    await t.throwsAsync(store.create(data as never), { code: 'ERR_SESSION_DATA' }, String(data));
  }
  await t.throwsAsync(store.create({ n: 1n } as never), { code: 'ERR_SESSION_DATA' });
  t.is(store.size, 0, 'what is refused is not stored');
});

test('an update whose function throws writes nothing, and the store keeps working', async (t) => {
  const store = await openStore<{ n: number }>(t);
  const { id } = await store.create({ n: 1 });
  await t.throwsAsync(
    store.update(id, (data) => {
      data.n = 2;
      throw new Error('on purpose');
    }),
    { message: 'on purpose' },
  );
  t.is(store.get(id)?.data.n, 1);
  t.is((await store.update(id, (data) => void (data.n += 1)))?.data.n, 2);
});

/**
 * checkpoint() of a degraded store waited forever, because the next snapshot is the one that heals the store. Calls that need the disk now
 * fail with an error.
 */
test('a degraded store refuses what needs the disk, still reads, and can be closed', async (t) => {
  if (process.platform !== 'linux') return t.pass('prlimit is there on Linux alone');
  const child = await StoreChild.open(t, { path: freshPath(t) });
  await child.create({ text: 'x'.repeat(3_000) });
  const { id } = await child.create({ n: 1 });
  await child.call('flush');
  await child.limitFiles(1_000);
  await t.throwsAsync(child.create({ text: 'y' }), { code: 'ERR_SESSION_IO' });
  const asked = child.call('checkpoint');
  await t.throwsAsync(asked, { code: 'ERR_SESSION_DEGRADED', message: /keeps failing.*File too large/ });
  t.true(await child.call('degraded'));
  t.true(await child.call('has', id));
  await t.throwsAsync(child.call('checkpoint'), { code: 'ERR_SESSION_DEGRADED' });
  await t.throwsAsync(child.call('flush'), { code: 'ERR_SESSION_DEGRADED' });
  await t.throwsAsync(child.create({}), { code: 'ERR_SESSION_DEGRADED' });
  await t.throwsAsync(child.destroy(id), { code: 'ERR_SESSION_DEGRADED' });
  t.false(await child.call('has', id), 'the end counts from now on');
  await t.throwsAsync(child.call('close'), { code: 'ERR_SESSION_IO' });
  await t.throwsAsync(child.call('close'), { code: 'ERR_SESSION_IO' });
  await t.throwsAsync(child.call('checkpoint'), { code: 'ERR_SESSION_CLOSED' });
  return undefined;
});
