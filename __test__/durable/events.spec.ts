/** The events of a store on disk besides those of its sessions. */
import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { openStore, reopen } from '../helpers/durable.js';
import { warnings } from '../helpers/http.js';
import { aWhile, until } from '../helpers/until.js';

test('a listener that is added right after the opening receives the recovered event once', async (t) => {
  const store = await openStore(t);
  await store.create({}, { uid: 'ann' });
  const again = await reopen(t, store);
  const told: object[] = [];
  again.on('recovered', (recovery) => told.push(recovery));
  t.is(told.length, 0, 'in a later turn');
  await turn();
  await turn();
  t.deepEqual(told, [again.recovery]);
  t.is(again.recovery.sessions, 1);
  t.is(again.recovery.tornBytes, 0);
  t.deepEqual(again.recovery.damaged, []);
  await aWhile();
  t.is(told.length, 1);
});

test('a new store reports that it is new, and a clean start emits no warning', async (t) => {
  const seen = warnings(t);
  const store = await openStore(t);
  t.true(store.recovery.created);
  t.true(Object.isFrozen(store.recovery));
  const again = await reopen(t, store);
  t.false(again.recovery.created);
  t.false(again.degraded);
  await aWhile();
  t.deepEqual(seen, []);
});

test('checkpoint resolves with what it wrote, and emits an event', async (t) => {
  const store = await openStore(t);
  await Promise.all(Array.from({ length: 50 }, (_, n) => store.create({ n })));
  const told: { generation?: number; error?: unknown }[] = [];
  store.on('checkpoint', (event) => told.push(event));
  const first = await store.checkpoint();
  t.is(first.sessions, 50);
  t.true(first.bytes > 0);
  t.true(first.durationMs >= 0);
  const second = await store.checkpoint();
  t.true(second.generation > first.generation);
  await until(() => told.length >= 2, 'both were told');
  t.deepEqual(told, [first, second]);
  const again = await reopen(t, store);
  t.is(again.size, 50);
});

test('checkpoints that are requested at the same time all finish while writes go on', async (t) => {
  const store = await openStore(t);
  const { id } = await store.create({ n: 0 });
  const asked = [store.checkpoint(), store.checkpoint(), store.checkpoint()];
  for (let n = 1; n <= 100; n++) await store.update(id, (data) => void (data['n'] = n));
  for (const { generation } of await Promise.all(asked)) t.true(generation > 0);
  t.deepEqual((await reopen(t, store)).get(id)?.data, { n: 100 });
});

test('flush resolves once everything is on the disk, and at once if it already is', async (t) => {
  const store = await openStore(t, { durability: 'none' });
  const made = await Promise.all(Array.from({ length: 1_000 }, (_, n) => store.create({ n })));
  await store.flush();
  await store.flush();
  t.is(store.size, made.length);
});

test('session events are the same as those of a store in memory', async (t) => {
  const store = await openStore(t);
  const told: string[] = [];
  for (const name of ['created', 'regenerated', 'destroyed'] as const) {
    store.on(name, ({ uid, reason }) => told.push(`${name} ${uid} ${reason}`));
  }
  const { id } = await store.create({}, { uid: 'ann' });
  const renewed = await store.regenerate(id, { uid: 'ann' });
  const another = await store.regenerate(renewed!.id, { uid: 'bob' });
  await store.destroy(another!.id);
  await until(() => told.length === 5, 'all events were emitted');
  t.deepEqual(told, [
    'created ann create',
    'regenerated ann login',
    'destroyed ann login',
    'created bob login',
    'destroyed bob destroy',
  ]);
});

test('on rejects the name of an event that does not exist', async (t) => {
  const store = await openStore(t);
  t.throws(() => store.on('saved' as never, () => undefined), {
    instanceOf: TypeError,
    message: /there is no session event saved, only .*checkpoint/,
  });
});
