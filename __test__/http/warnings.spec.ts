/** Warnings come when they help, and do not fill the log. */
import test from 'ava';
import { SessionManager, SessionStore } from 'agai-session';
import { runFixture } from '../helpers/fixture.js';
import { request, serve, warnings } from '../helpers/http.js';

interface Made {
  readonly seen: { code: string; message: string }[];
  readonly made: number;
}

// A middleware that was made in a handler had a store and a thread for each request: 3,000 stores and 1,810 threads, without a word.
test('a middleware that is made for each request is warned of, once', async (t) => {
  const { seen } = (await runFixture('store-in-handler.mjs', { args: ['handler'] })).answer<Made>();
  t.deepEqual(
    seen.map(({ code }) => code),
    ['SESSION_MANY_STORES'],
  );
  t.regex(seen[0]!.message, /^17 session stores are open/);
});

test('sixteen stores, and any number that were closed, are nothing to warn of', async (t) => {
  for (const way of ['few', 'closed']) {
    const { seen } = (await runFixture('store-in-handler.mjs', { args: [way] })).answer<Made>();
    t.deepEqual(seen, [], way);
  }
});

// A store that is full of users refuses every guest, and each refusal was a warning of its own: anybody could fill the log.
test.serial('refused guests cause ten warnings a minute, however many they are', async (t) => {
  const seen = warnings(t);
  const store = new SessionStore({ maxSessions: 2 });
  store.create({}, { uid: 'ann' });
  store.create({}, { uid: 'bob' });
  const manager = new SessionManager<{ n?: number }>({ store });
  const url = await serve(t, async (req, res) => {
    (await manager.start(req, res)).data.n = 1;
    res.end('well');
  });
  for (let guest = 0; guest < 50; guest++) t.is((await request(url)).status, 500);
  await new Promise(setImmediate);
  t.is(seen.filter(({ code }) => code === 'ERR_SESSION_FULL').length, 10);
});

test.serial('failures of another kind are still warned of', async (t) => {
  const seen = warnings(t);
  const manager = new SessionManager<{ big?: string }>({ maxSessionBytes: 10 });
  const url = await serve(t, async (req, res) => {
    (await manager.start(req, res)).data.big = 'x'.repeat(100);
    res.end('well');
  });
  t.is((await request(url)).status, 500);
  await new Promise(setImmediate);
  t.is(seen.filter(({ code }) => code === 'ERR_SESSION_TOO_LARGE').length, 1);
});
