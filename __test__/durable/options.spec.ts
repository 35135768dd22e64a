/** Invalid options of a store on disk are rejected before anything is touched. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SessionManager, SessionStore } from 'agai-session';
import { session } from 'agai-session/express';
import test from 'ava';
import { freshPath, openStore } from '../helpers/durable.js';

const wrong: [Record<string, unknown>, RegExp][] = [
  [{ path: '' }, /^option path: .*directory/],
  [{ path: 'a\0b' }, /^option path: .*NUL/],
  [{ path: 7 }, /^option path: .*got 7/],
  [{ path: null }, /^option path: /],
  [{ path: new URL('https://example.com/') }, /^option path: .*file: URL/],
  [{ durability: 'fsync' }, /^option durability: choose one of 'none', 'os', 'disk'; got 'fsync'/],
  [{ durability: true }, /^option durability: /],
  [{ onCorruption: 'ignore' }, /^option onCorruption: choose one of 'error', 'fresh', 'salvage'/],
  [{ onDiskFailure: 'ignore' }, /^option onDiskFailure: choose one of 'reject', 'memory'/],
  [{ onProgress: 'log' }, /^option onProgress: pass a function/],
  [{ folder: 'x' }, /there is no such option, only .*path, durability/],
];

for (const [options, message] of wrong) {
  test(`open throws a TypeError for ${JSON.stringify(options)}`, async (t) => {
    const path = freshPath(t);
    const all = { path, ...options } as object;
    await t.throwsAsync(SessionStore.open(all), { instanceOf: TypeError, message });
    t.throws(() => new SessionManager(all), { instanceOf: TypeError });
    t.false(existsSync(path));
  });
}

test('the options that a store in memory has too are checked in the same way', async (t) => {
  const path = freshPath(t);
  const options = { path, idleTimeout: '13h' } as const;
  await t.throwsAsync(SessionStore.open(options), { instanceOf: RangeError, message: /^option idleTimeout: / });
  t.throws(() => session(options), { instanceOf: RangeError });
  t.false(existsSync(path));
});

test('a middleware without a path rejects the options of a store on disk', (t) => {
  for (const options of [{ durability: 'os' }, { onCorruption: 'fresh' }, { onDiskFailure: 'memory' }] as const) {
    t.throws(() => session(options), { instanceOf: TypeError, message: /give its path as well/ });
  }
});

test('a middleware rejects a path beside a store', async (t) => {
  const store = await openStore(t);
  t.throws(() => session({ store, path: freshPath(t) }), { instanceOf: TypeError, message: /^option path: / });
});

test('a store has its path and durability as properties, also if the path was a URL', async (t) => {
  const path = freshPath(t);
  const store = await openStore(t, { path: pathToFileURL(path), durability: 'disk' });
  t.is(store.path, path);
  t.is(store.durability, 'disk');
  t.true(existsSync(path));
});

test('a relative path is resolved once, against the working directory at that moment', async (t) => {
  const parent = join(freshPath(t), '..');
  const before = process.cwd();
  process.chdir(parent);
  const opening = SessionStore.open();
  process.chdir(before);
  const store = await opening;
  t.teardown(() => store.close());
  t.true(store.path.endsWith(join(parent, 'sessions.data')), store.path);
  t.is(store.durability, 'os');
});

test('the progress of an opening is reported at least at its end', async (t) => {
  const path = freshPath(t);
  const first = await openStore(t, { path });
  await Promise.all(Array.from({ length: 100 }, (_, n) => first.create({ n })));
  await first.close();
  const told: object[] = [];
  await openStore(t, { path, onProgress: (progress) => told.push(progress) });
  const { bytesRead, bytesTotal, sessions } = told.at(-1) as Record<string, number>;
  t.is(sessions, 100);
  t.is(bytesRead, bytesTotal);
  t.true(bytesTotal! > 0);
});
