/**
 * One process hands its directory to the next, as in a rolling restart: the new one waits for the old one's end, and what the old one held
 * is given back.
 */
import { SessionManager, SessionStore, type DurableSessionStore, type DurableStoreOptions } from 'agai-session';
import test from 'ava';
import { freshPath } from '../helpers/durable.js';
import { runFixture } from '../helpers/fixture.js';
import { StoreChild } from '../helpers/store-child.js';

test('a store waits until the process before it has closed, and finds its sessions', async (t) => {
  const path = freshPath(t);
  const before = await StoreChild.open(t, { path });
  const { id } = await before.create({ n: 1 });
  const opening = SessionStore.open({ path, openTimeout: '20s' });
  const isWaiting = await Promise.race([opening.then(() => false), before.call<number>('size').then(() => true)]);
  t.true(isWaiting, 'the owner answers while the next one waits');
  await before.call('close');
  const store = await opening;
  t.teardown(() => store.close());
  t.deepEqual(store.get(id)?.data, { n: 1 });
});

test('a store waits until the process before it was killed', async (t) => {
  const path = freshPath(t);
  const before = await StoreChild.open(t, { path });
  const { id } = await before.create({ n: 1 });
  const opening = SessionStore.open({ path, openTimeout: Infinity });
  await before.kill();
  const store = await opening;
  t.teardown(() => store.close());
  t.true(store.has(id));
});

/** Once `session({ path })` of the new process failed at once with ERR_SESSION_LOCKED, and the restart with it. */
test("a manager's own store waits by default", async (t) => {
  const path = freshPath(t);
  const before = await StoreChild.open(t, { path });
  const { id } = await before.create({ n: 1 });
  const manager = new SessionManager({ path });
  await before.call('close');
  const store = (await manager.ready) as DurableSessionStore;
  t.teardown(() => store.close());
  t.true(store.has(id));
});

test('a store that need not wait is refused at once, and one that waited says how long', async (t) => {
  const path = freshPath(t);
  await StoreChild.open(t, { path });
  for (const [openTimeout, words] of [
    [undefined, /in use by another process .*the option openTimeout can wait for its end/],
    [0, /the option openTimeout can wait/],
    ['150ms', /waited 150 ms \(option openTimeout\)/],
  ] as const) {
    const start = performance.now();
    const options: DurableStoreOptions = openTimeout === undefined ? { path } : { path, openTimeout };
    await t.throwsAsync(SessionStore.open(options), { code: 'ERR_SESSION_LOCKED', message: words });
    if (openTimeout === '150ms') t.true(performance.now() - start >= 149);
  }
});

test('only what another process holds is waited for: other errors come at once', async (t) => {
  const path = `${freshPath(t)}/missing/parent`;
  const start = performance.now();
  await t.throwsAsync(SessionStore.open({ path, openTimeout: Infinity }), { code: 'ERR_SESSION_PATH' });
  t.true(performance.now() - start < 5_000);
});

test('a wrong openTimeout is refused, and one without a path', async (t) => {
  const path = freshPath(t);
  await t.throwsAsync(SessionStore.open({ path, openTimeout: -1 }), { instanceOf: RangeError, message: /openTimeout/ });
  await t.throwsAsync(SessionStore.open({ path, openTimeout: 'soon' as '1s' }), {
    instanceOf: TypeError,
    message: /openTimeout/,
  });
  t.throws(() => new SessionManager({ openTimeout: '1s' }), { instanceOf: TypeError, message: /openTimeout.*path/ });
});

/** Once each closed store kept a thread and the memory of its sessions until the garbage collector found it: 148 MB became 660. */
(process.platform === 'linux' ? test : test.skip)(
  'a closed store has given its threads and its memory back when `close` resolves, whoever still refers to it',
  async (t) => {
    const { rss, threads } = (await runFixture('reopen.mjs', { args: [freshPath(t)] })).answer<{
      rss: number[];
      threads: string[];
    }>();
    const [first = NaN, ...later] = rss;
    t.true(Math.max(...later) - first < 40 * 2 ** 20, `resident bytes after each close: ${rss.join(', ')}`);
    t.deepEqual(threads, []);
  },
);
