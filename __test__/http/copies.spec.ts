/** Several copies of the package in one process share one hook. */
import { createRequire } from 'node:module';
import type * as Entry from 'agai-session/express';
import express from 'express';
import test from 'ava';
import { runFixture } from '../helpers/fixture.js';
import { Client, serve, warnings } from '../helpers/http.js';

const require = createRequire(import.meta.url);

/** Loads a copy of the package that shares no module with those before. */
function load(): typeof Entry {
  const entry = require.resolve('agai-session/express');
  const dist = entry.slice(0, entry.indexOf('dist') + 4);
  for (const path of Object.keys(require.cache)) if (path.startsWith(dist)) delete require.cache[path];
  return require('agai-session/express') as typeof Entry;
}

interface Copies {
  readonly kept: number;
  readonly before: number;
  readonly after: number;
  readonly isWrappedOnce: boolean;
  readonly cookie: unknown;
  readonly sessions: number;
}

// Each load wrapped the methods of all responses once more and kept every copy before: after 1,000 loads that were 345 MB, and a response
// took 5 ms.
test('two hundred loads of the package keep one copy besides the last, and responses are as fast as with one', async (t) => {
  const outcome = await runFixture('loads.mjs', { args: ['200'], flags: ['--expose-gc'] });
  const { kept, before, after, isWrappedOnce, cookie, sessions } = outcome.answer<Copies>();
  t.true(isWrappedOnce);
  t.regex(String(cookie), /^id=.{43};/);
  t.is(sessions, 1);
  t.log(
    `${(kept / 2 ** 20).toFixed(1)} MB kept, a response takes ${before.toFixed(1)} us before, ${after.toFixed(1)} us after`,
  );
  t.true(kept < 5 * 2 ** 20, `${kept} bytes`);
  t.true(after < 5 * before + 50, `${before} us before, ${after} us after`);
});

test('two copies on one request keep a session each, and the later one is `req.session`', async (t) => {
  const [first, second] = [load().session({ cookie: { name: 'one' } }), load().session({ cookie: { name: 'two' } })];
  const app = express();
  app.use(first, (req, _res, next) => {
    (req.session.data as { a?: number }).a = 1;
    next();
  });
  app.use(second, (req, res) => {
    (req.session.data as { b?: number }).b = 2;
    res.send('x');
  });
  const client = new Client(await serve(t, app));
  t.is((await client.get('/')).cookies.length, 2);
  t.deepEqual([...client.jar.keys()].toSorted(), ['one', 'two']);
  const stores = [first, second].map(({ manager }) => manager.store!);
  t.deepEqual(
    stores.map((store, n) => store.get(client.jar.get(['one', 'two'][n]!)!)!.data),
    [{ a: 1 }, { b: 2 }],
  );
});

test('two copies that use one cookie name cause a warning', async (t) => {
  const seen = warnings(t);
  const app = express();
  app.use(load().session({ cookie: { name: 'shared' } }), load().session({ cookie: { name: 'shared' } }));
  app.get('/', (_req, res) => res.send('x'));
  await new Client(await serve(t, app)).get('/');
  await new Promise(setImmediate);
  t.is(seen.filter(({ code, message }) => code === 'SESSION_COOKIE_SHARED' && message.includes('"shared"')).length, 1);
});
