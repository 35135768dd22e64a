/**
 * All stores that a process opens in one directory share one store, and must have the same options.
 *
 * The options of the second opening were ignored: a worker that asked for `durability: 'disk'` and at most ten sessions got the options of
 * the first.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { SessionManager, SessionStore, type DurableStoreOptions, type SessionError } from 'agai-session';
import { ManualClock } from 'agai-session/testing';
import test from 'ava';
import { freshPath, openStore } from '../helpers/durable.js';
import { fixturePath } from '../helpers/fixture.js';

const differing: [DurableStoreOptions, string][] = [
  [{ maxSessions: 10 }, 'maxSessions is 1000000 there and 10 here'],
  [{ maxBytes: '1MiB' }, 'maxBytes is 536870912 there and 1048576 here'],
  [{ maxSessionBytes: '1KiB' }, 'maxSessionBytes is 65536 there and 1024 here'],
  [
    { idleTimeout: '1h' },
    'idleTimeout is 1800000 ms there and 3600000 ms here, guestIdleTimeout is 1800000 ms there and 3600000 ms here',
  ],
  [{ guestIdleTimeout: '5m' }, 'guestIdleTimeout is 1800000 ms there and 300000 ms here'],
  [{ absoluteTimeout: Infinity }, 'absoluteTimeout is 43200000 ms there and Infinity here'],
  [{ durability: 'disk' }, "durability is 'os' there and 'disk' here"],
  [{ onDiskFailure: 'memory' }, "onDiskFailure is 'reject' there and 'memory' here"],
  [{ clock: new ManualClock() }, 'clock is the system clock there and a ManualClock here'],
  [
    { maxSessions: 10, durability: 'none' },
    "maxSessions is 1000000 there and 10 here, durability is 'os' there and 'none' here",
  ],
];

for (const [options, differences] of differing) {
  test(`a second opening with other options is refused: ${Object.keys(options).join(' and ')}`, async (t) => {
    const path = freshPath(t);
    const store = await openStore(t, { path });
    const { id } = await store.create({ n: 1 });
    const error = await t.throwsAsync<SessionError>(SessionStore.open({ path, ...options }), {
      code: 'ERR_SESSION_OPTIONS',
    });
    t.true(
      error.message.startsWith(`${path}: this process has it open with other options: ${differences}. `),
      error.message,
    );
    t.is(store.get(id)?.data['n'], 1, 'the open store goes on');
    t.is((await openStore(t, { path })).size, 1, 'and can be shared');
    await store.close();
  });
}

test('a worker with other options is refused, and one with the same options shares the store', async (t) => {
  const path = freshPath(t);
  const store = await openStore(t, { path, durability: 'disk', idleTimeout: '10m' });
  await store.create({ n: 1 });
  const openInWorker = async (options: DurableStoreOptions): Promise<Record<string, unknown>> => {
    const worker = new Worker(fixturePath('opener.mjs'), { workerData: { path, ...options }, execArgv: [] });
    let outcome: Record<string, unknown> = {};
    worker.on('message', (message: Record<string, unknown>) => (outcome = message));
    await once(worker, 'exit');
    return outcome;
  };
  const { code, message } = await openInWorker({ durability: 'disk', idleTimeout: '20m', guestIdleTimeout: '10m' });
  t.is(code, 'ERR_SESSION_OPTIONS');
  t.regex(String(message), /other options: idleTimeout is 600000 ms there and 1200000 ms here\. /);
  // The same durations, written differently.
  t.deepEqual(await openInWorker({ durability: 'disk', idleTimeout: 600_000 }), { size: 1 });
});

test('a manager with other options than the open store is refused', async (t) => {
  const path = freshPath(t);
  await openStore(t, { path });
  const manager = new SessionManager({ path, maxSessions: 10 });
  await t.throwsAsync(manager.ready, { code: 'ERR_SESSION_OPTIONS' });
});

test('two stores can share a directory only if they run on the same manual clock', async (t) => {
  const path = freshPath(t);
  const clock = new ManualClock();
  await openStore(t, { path, clock });
  t.is((await openStore(t, { path, clock })).size, 0);
  const other = SessionStore.open({ path, clock: new ManualClock(clock.now()) });
  await t.throwsAsync(other, {
    code: 'ERR_SESSION_OPTIONS',
    message: /clock is a ManualClock there and another ManualClock here/,
  });
});

test('onCorruption and onProgress may differ between two openings', async (t) => {
  const path = freshPath(t);
  await openStore(t, { path });
  t.is((await openStore(t, { path, onCorruption: 'salvage', onProgress() {} })).size, 0);
});

test('after a store was closed its directory can be opened with other options', async (t) => {
  const path = freshPath(t);
  const store = await openStore(t, { path });
  // Not awaited: its last write may be in progress.
  const closed = store.close();
  t.is((await openStore(t, { path, maxSessions: 10 })).size, 0);
  await closed;
});
