/**
 * An opening can be cancelled, and does not wait for the opening of another directory.
 *
 * One mutex was held during a whole recovery, and the end of a worker or of the process waited for its recovery: forever, on a disk that
 * does not respond.
 */
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { SessionStore, type DurableStoreOptions } from 'agai-session';
import test, { type ExecutionContext } from 'ava';
import { freshPath, openStore } from '../helpers/durable.js';
import { fixturePath, runFixture } from '../helpers/fixture.js';
import { Ext4, testAsRoot } from '../helpers/mounts.js';
import { until } from '../helpers/until.js';

/** So many that reading them takes far longer than cancelling. */
const SESSIONS = 400_000;
const TEXT = 'x'.repeat(400);

/** A directory with many sessions. */
const big = { parent: mkdtempSync(join(tmpdir(), 'agai-session-')), path: '', openingMs: 0 };

test.before(async () => {
  big.path = join(big.parent, 'sessions.data');
  const store = await SessionStore.open({ path: big.path, durability: 'none' });
  for (let n = 0; n < SESSIONS; n += 20_000) {
    await Promise.all(Array.from({ length: 20_000 }, () => store.create({ TEXT })));
  }
  await store.close();
  const again = await SessionStore.open({ path: big.path });
  big.openingMs = again.recovery.durationMs;
  await again.close();
});

test.after.always(() => rmSync(big.parent, { recursive: true, force: true }));

/** Starts a worker that opens a store; resolves once a thread of the addon is opening it. */
async function startOpening(t: ExecutionContext, options: DurableStoreOptions): Promise<Worker> {
  const worker = new Worker(fixturePath('opener.mjs'), { workerData: options, execArgv: [] });
  t.teardown(() => worker.terminate());
  const [message] = (await once(worker, 'message')) as [object];
  t.deepEqual(message, { opening: true });
  return worker;
}

/** Terminates a worker; resolves with the milliseconds that it took. */
async function terminate(worker: Worker): Promise<number> {
  const start = performance.now();
  await worker.terminate();
  return Math.round(performance.now() - start);
}

/** A directory with one session, on a disk that does not respond from now on. */
async function makeFrozen(t: ExecutionContext): Promise<{ disk: Ext4; path: string }> {
  const disk = new Ext4(t);
  const path = join(disk.path, 'sessions.data');
  const store = await SessionStore.open({ path });
  await store.create({ n: 1 });
  await store.close();
  disk.freeze();
  return { disk, path };
}

test.serial(
  'a worker that opens a big directory is terminated at once, and the directory is free afterwards',
  async (t) => {
    for (let round = 0; round < 3; round += 1) {
      const took = await terminate(await startOpening(t, { path: big.path }));
      t.log(`terminated in ${took} ms, an opening takes ${big.openingMs} ms`);
      t.true(took < big.openingMs / 2);
    }
    const store = await openStore(t, { path: big.path });
    t.is(store.size, SESSIONS);
    await store.close();
  },
);

test.serial('process.exit() ends the process within a second while a worker opens a big directory', async (t) => {
  const outcome = await runFixture('opener.mjs', { args: ['exit', JSON.stringify({ path: big.path })] });
  t.is(outcome.code, 0, outcome.stderr);
  const took = outcome.endedAt - outcome.answer<{ at: number }>().at;
  t.log(`ended in ${took} ms, an opening takes ${big.openingMs} ms`);
  t.true(took < Math.min(big.openingMs / 2, 1_000));
  const store = await openStore(t, { path: big.path });
  t.is(store.size, SESSIONS);
  await store.close();
});

testAsRoot(
  'while one disk does not respond, other directories can be opened and an opening there can be cancelled',
  async (t) => {
    const { disk, path } = await makeFrozen(t);
    const worker = await startOpening(t, { path });
    t.is((await openStore(t)).size, 0);
    const took = await terminate(worker);
    t.true(took < 1_000, `${took} ms`);
    let isOpen = false;
    const opening = openStore(t, { path }).then((store) => {
      isOpen = true;
      return store;
    });
    t.is((await openStore(t)).size, 0);
    t.false(isOpen);
    disk.thaw();
    t.is((await opening).size, 1, 'the thread that was left behind released the directory');
  },
);

testAsRoot('a thread that waits for a disk that does not respond outlives the only worker without harm', async (t) => {
  const { disk, path } = await makeFrozen(t);
  const mark = freshPath(t);
  const running = runFixture('opener.mjs', { args: ['terminate', JSON.stringify({ path }), mark] });
  await until(() => existsSync(mark), 'the worker is terminated');
  disk.thaw();
  const outcome = await running;
  t.is(outcome.signal, null);
  t.is(outcome.code, 0, outcome.stderr);
  const { took, left } = outcome.answer<{ took: number; left: number }>();
  t.true(took < 1_000, `${took} ms`);
  t.is(left, 1);
  t.is((await openStore(t, { path })).size, 1);
});
