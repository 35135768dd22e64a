/** Closing a store, and what can still be done with it afterwards. */
import type { DurableSessionStore } from 'agai-session';
import test from 'ava';
import { DURABILITIES, openStore, reopen } from '../helpers/durable.js';

const ID = 'A'.repeat(43);
const HANDLE = 'A'.repeat(22);
const reads: [string, (store: DurableSessionStore) => unknown][] = [
  ['get', (store) => store.get(ID)],
  ['has', (store) => store.has(ID)],
  ['touch', (store) => store.touch(ID)],
  ['page', (store) => store.page()],
  ['sessions', (store) => [...store.sessions()]],
  ['size', (store) => store.size],
  ['stats', (store) => store.stats()],
  ['on', (store) => store.on('created', () => undefined)],
];
const writes: [string, (store: DurableSessionStore) => Promise<unknown>][] = [
  ['create', (store) => store.create({})],
  ['commit', (store) => store.commit(ID, undefined, {})],
  ['update', (store) => store.update(ID, () => undefined)],
  ['regenerate', (store) => store.regenerate(ID)],
  ['destroy', (store) => store.destroy(ID)],
  ['destroyByHandle', (store) => store.destroyByHandle(HANDLE)],
  ['clear', (store) => store.clear()],
  ['flush', (store) => store.flush()],
  ['checkpoint', (store) => store.checkpoint()],
];

test('after close every read throws and every write is rejected', async (t) => {
  const store = await openStore(t);
  await store.close();
  for (const [name, read] of reads) t.throws(() => read(store), { code: 'ERR_SESSION_CLOSED' }, name);
  for (const [name, write] of writes) await t.throwsAsync(() => write(store), { code: 'ERR_SESSION_CLOSED' }, name);
  t.notThrows(() => store.off('created', () => undefined));
  t.true(store.recovery.created, 'what it said of itself it still says');
});

test('a store is closed from the call of close on, not only when its promise resolves', async (t) => {
  const store = await openStore(t);
  const closing = store.close();
  t.throws(() => store.size, { code: 'ERR_SESSION_CLOSED' });
  await t.throwsAsync(store.create({}), { code: 'ERR_SESSION_CLOSED' });
  await closing;
});

test('closing twice closes once', async (t) => {
  const store = await openStore(t);
  const first = store.close();
  t.is(store.close(), first);
  await first;
  t.is(store.close(), first);
});

for (const durability of DURABILITIES) {
  test(`${durability}: writes in progress when the store is closed are completed and found again`, async (t) => {
    const store = await openStore(t, { durability });
    const under = Array.from({ length: 200 }, (_, n) => store.create({ n }));
    const closing = store.close();
    const made = await Promise.all(under);
    await closing;
    const again = await openStore(t, { path: store.path });
    t.deepEqual(
      made.map(({ id }) => again.get(id)?.data),
      made.map(({ data }) => data),
    );
  });
}

test('a store is disposable, and its directory is free afterwards', async (t) => {
  const store = await openStore(t);
  const { id } = await store.create({ n: 1 });
  await store[Symbol.asyncDispose]();
  const again = await reopen(t, store);
  t.deepEqual(again.get(id)?.data, { n: 1 });
});

test('records that were read before the store was closed can still be inspected', async (t) => {
  const store = await openStore(t);
  const record = await store.create({ n: 1 });
  await store.close();
  t.is(record.handle, record.id.slice(0, 16));
  t.deepEqual(record.data, { n: 1 });
});
