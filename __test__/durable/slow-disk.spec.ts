/**
 * A disk that does not respond delays only calls that need it, and those for two seconds at most. Once it responds, it has everything.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DurableSessionStore, SessionError } from 'agai-session';
import type { ExecutionContext } from 'ava';
import { openStore, reopen } from '../helpers/durable.js';
import { Client, request, type Answer } from '../helpers/http.js';
import { Ext4, testAsRoot } from '../helpers/mounts.js';
import { ServerChild } from '../helpers/server-child.js';

interface Data {
  readonly n: number;
  readonly text?: string;
}

/** Records whether a promise is settled. */
function watch<T>(promise: Promise<T>): { readonly promise: Promise<T>; isPending: boolean } {
  const watched = { promise, isPending: true };
  const settled = (): void => void (watched.isPending = false);
  promise.then(settled, settled);
  return watched;
}

/** Reads all sessions again and again for a second; returns the number of reads. */
async function readOn(t: ExecutionContext, store: DurableSessionStore<Data>, ids: readonly string[]): Promise<number> {
  const end = Date.now() + 1_000;
  let reads = 0;
  while (Date.now() < end) {
    for (const id of ids) {
      if (!store.has(id) || !store.touch(id) || store.get(id) === undefined) t.fail('a read went wrong');
      reads += 3;
    }
    store.page({ limit: 10 });
    await delay(1);
  }
  return reads;
}

for (const durability of ['os', 'disk'] as const) {
  testAsRoot(`${durability}: while the disk is frozen for a second reads go on and writes wait`, async (t) => {
    const disk = new Ext4(t);
    const path = join(disk.path, 'sessions.data');
    const store = await openStore<Data>(t, { path, durability });
    const made = await Promise.all(Array.from({ length: 50 }, (_, n) => store.create({ n })));
    const ids = made.map(({ id }) => id);
    await store.flush();
    disk.freeze();
    const writes = [
      watch(store.create({ n: 100 })),
      watch(store.commit(ids[0]!, undefined, { n: 101 })),
      watch(store.regenerate(ids[1]!, { uid: 'ann' })),
      watch(store.destroy(ids[2]!)),
      watch(store.flush()),
      watch(store.checkpoint()),
    ];
    t.is(store.get(ids[0]!)?.data.n, 101, 'every reader sees a write at once');
    t.false(store.has(ids[2]!));
    const reads = await readOn(t, store, ids.slice(3));
    t.log(`${reads} reads while the disk was frozen`);
    t.true(
      writes.every(({ isPending }) => isPending),
      'nothing was acknowledged',
    );
    disk.thaw();
    await Promise.all(writes.map(({ promise }) => promise));
    const moved = (await writes[2]!.promise) as { id: string };
    const again = await reopen(t, store);
    t.is(again.get(ids[0]!)?.data.n, 101);
    t.is(again.get(moved.id)?.uid, 'ann');
    t.false(again.has(ids[1]!));
    t.false(again.has(ids[2]!));
    t.is(again.size, 50);
  });
}

testAsRoot('none: while the disk is frozen writes go on, and calls that end a session wait', async (t) => {
  const disk = new Ext4(t);
  const store = await openStore<Data>(t, { path: join(disk.path, 'sessions.data'), durability: 'none' });
  const { id } = await store.create({ n: 0 });
  await store.flush();
  disk.freeze();
  for (let n = 1; n <= 100; n += 1) t.is((await store.commit(id, undefined, { n })).status, 'ok');
  const ended = watch(store.destroy((await store.create({ n: 0 })).id));
  await readOn(t, store, [id]);
  t.true(ended.isPending);
  disk.thaw();
  t.true(await ended.promise);
  t.is((await reopen(t, store)).get(id)?.data.n, 100);
});

testAsRoot('a call that waits for two seconds is rejected, and its write reaches the disk all the same', async (t) => {
  const disk = new Ext4(t);
  const store = await openStore<Data>(t, { path: join(disk.path, 'sessions.data') });
  const kept = await store.create({ n: 0 });
  const ended = await store.create({ n: 0 });
  disk.freeze();
  const slow = {
    code: 'ERR_SESSION_BACKPRESSURE' as const,
    message: /memory has this change, and the disk will have it/,
  };
  const writes = [store.commit(kept.id, undefined, { n: 1 }), store.destroy(ended.id), store.create({ n: 2 })];
  const flushed = watch(store.flush());
  await Promise.all(writes.map((write) => t.throwsAsync<SessionError>(write, slow)));
  t.is(store.get(kept.id)?.data.n, 1);
  t.false(store.has(ended.id));
  t.true(flushed.isPending, 'who asks for the disk itself waits as long as it takes');
  t.false(store.degraded);
  disk.thaw();
  await flushed.promise;
  await store.flush();
  t.is((await store.commit(kept.id, undefined, { n: 3 })).status, 'ok');
  const again = await reopen(t, store);
  t.is(again.get(kept.id)?.data.n, 3);
  t.false(again.has(ended.id));
  t.is(again.size, 2);
});

testAsRoot('a full queue refuses writes without changing anything, and accepts calls that end sessions', async (t) => {
  const disk = new Ext4(t, 256);
  const path = join(disk.path, 'sessions.data');
  const store = await openStore<Data>(t, { path, durability: 'none', maxSessionBytes: '2MiB', maxBytes: '1GiB' });
  const text = 'x'.repeat(1 << 20);
  const ids: string[] = [];
  disk.freeze();
  let refusal: SessionError | undefined;
  while (refusal === undefined && ids.length < 200) {
    try {
      ids.push((await store.create({ n: ids.length, text })).id);
    } catch (error) {
      refusal = error as SessionError;
    }
  }
  t.is(refusal?.code, 'ERR_SESSION_BACKPRESSURE');
  t.regex(refusal!.message, /more than 64 MiB wait/);
  t.true(ids.length >= 60 && ids.length <= 70, `${ids.length} MiB found room`);
  t.is(store.size, ids.length, 'what was refused is not there');
  const waiting = watch(store.create({ n: -1, text: 'waits for room' }));
  const ended = ids.splice(0, 10).map((id) => watch(store.destroy(id)));
  t.is(store.size, ids.length, 'ends are never refused');
  disk.thaw();
  t.deepEqual(
    await Promise.all(ended.map(({ promise }) => promise)),
    ended.map(() => true),
  );
  ids.push((await waiting.promise).id);
  const again = await reopen(t, store, { maxSessionBytes: '2MiB', maxBytes: '1GiB' });
  t.is(again.size, ids.length);
  t.true(ids.every((id) => again.has(id)));
});

testAsRoot(
  'while the disk of a server is frozen, reads get a response and a save waits, and gets a 503 if that takes too long',
  async (t) => {
    const disk = new Ext4(t);
    const server = await ServerChild.start(t, { path: join(disk.path, 'sessions.data') });
    const { origin } = server;
    const ann = new Client(origin);
    const bob = new Client(origin);
    for (const [client, name] of [
      [ann, 'ann'],
      [bob, 'bob'],
    ] as const) {
      t.is((await client.get(`/login/${name}`, { method: 'POST' })).status, 303);
    }
    const isUp = async (): Promise<void> => {
      t.is((await request(`${origin}/plain`)).status, 200);
      t.is((await request(`${origin}/me`)).status, 200);
      t.is((await ann.get('/me')).body, (await ann.get('/me')).body);
    };

    disk.freeze();
    const short = watch<Answer>(ann.get('/add', { method: 'POST' }));
    for (let round = 0; round < 5; round += 1) await isUp();
    t.true(short.isPending, 'the answer does not overtake the disk');
    disk.thaw();
    t.deepEqual((await short.promise).body, '{"n":1}');

    disk.freeze();
    const long = bob.get('/add', { method: 'POST' });
    const logout = bob.get('/logout', { method: 'POST' });
    const { status, body } = await long;
    t.deepEqual({ status, body }, { status: 503, body: 'ERR_SESSION_BACKPRESSURE' });
    t.is((await logout).status, 503, 'nobody is told that a logout is kept which may not be');
    t.is((await bob.get('/me')).body, '{"uid":"Guest"}', 'but it counts');
    await isUp();
    disk.thaw();
    t.is((await ann.get('/add', { method: 'POST' })).body, '{"n":2}');
    await server.kill();
  },
);
