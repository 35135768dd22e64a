/** Data and operations: what is built of stored data, which files there are, what a flood can do, and what listeners are told. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { inspect } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { SessionManager, SessionStore, type SessionEvent } from 'agai-session';
import { ManualClock } from 'agai-session/testing';
import { kinds, visit } from '../helpers/apps.js';
import { run } from '../helpers/cli.js';
import { freshPath, openStore, reopen } from '../helpers/durable.js';
import { EVENT_NAMES } from '../helpers/events.js';
import { fixturePath } from '../helpers/fixture.js';
import { Client, request, serve, warnings } from '../helpers/http.js';
import { treeOf } from '../helpers/tree.js';
import { aWhile, until } from '../helpers/until.js';

// oxlint-disable-next-line typescript/no-explicit-any -- data of any shape
type Anything = any;

/** The text of data that would change prototypes if anything but `JSON.parse` built it. */
const POLLUTING =
  '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},"prototype":{"admin":true},"deep":{"__proto__":{"admin":true}}}';

test('S42 keys such as __proto__, constructor and prototype are ordinary keys', (t) => {
  const store = new SessionStore();
  const { id } = store.create(JSON.parse(POLLUTING));
  for (const read of [
    store.get(id)?.data as Anything,
    store.update(id, (data) => {
      data['x'] = 1;
    })?.data as Anything,
  ]) {
    t.is(Object.getPrototypeOf(read), Object.prototype);
    t.is(read.admin, undefined);
    t.is(read.deep.admin, undefined);
    t.true(Object.hasOwn(read, '__proto__'));
    t.deepEqual(Object.keys(read).slice(0, 4), ['__proto__', 'constructor', 'prototype', 'deep']);
  }
  t.is(({} as Anything).admin, undefined, 'nobody else was touched');
});

test('S42 what a client sends as data is plain data in the next request, read as a whole or by key, and after a restart', async (t) => {
  const store = await openStore(t);
  const app = kinds[2]!.app({ store }, async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    if (chunks.length > 0) {
      const sent = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
      for (const [key, value] of Object.entries(sent)) req.session.set(key, value as never);
    }
    const keyed = req.session.get('__proto__') as Anything;
    const whole = req.session.data as Anything;
    res.end(
      JSON.stringify([keyed, whole.admin, Object.keys(whole), Object.getPrototypeOf(whole) === Object.prototype]),
    );
  });
  const client = new Client(await serve(t, app));
  await client.get('/', { method: 'POST', body: POLLUTING });
  const expected = [{ admin: true }, null, ['__proto__', 'constructor', 'prototype', 'deep'], true];
  t.deepEqual(JSON.parse((await client.get('/')).body), expected);
  const again = await reopen(t, store as never);
  const data = again.get(client.jar.get('id')!)!.data as Anything;
  t.deepEqual([data.admin, data.deep.admin, ({} as Anything).admin], [undefined, undefined, undefined]);
  t.is(JSON.stringify(data), POLLUTING);
});

test('S42 depth and size of data are bounded: what is beyond is refused in its own request, and nothing is stored', async (t) => {
  const store = new SessionStore();
  const errors: unknown[] = [];
  const onError = (error: unknown, _req: unknown, res: { end(): void }): void => {
    errors.push((error as { code?: string }).code);
    res.end();
  };
  const shapes: Record<string, () => unknown> = {
    '/flat': () => ({ n: 1 }),
    '/deep': () => JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`),
    '/too-deep': () => JSON.parse(`${'['.repeat(30_000)}${']'.repeat(30_000)}`),
    '/too-large': () => 'x'.repeat(70_000),
  };
  const app = kinds[2]!.app({ store, onError: onError as never }, (req, res) => {
    req.session.data[req.url!] = shapes[req.url!]!();
    res.end();
  });
  const client = new Client(await serve(t, app));
  for (const path of ['/flat', '/deep', '/too-deep', '/too-large', '/flat']) await client.get(path);
  t.deepEqual(Object.keys(store.get(client.jar.get('id')!)!.data), ['/flat', '/deep']);
  t.is(store.size, 1);
  for (const data of [{ a: shapes['/too-deep']!() }, { a: shapes['/too-large']!() }]) {
    t.throws(() => store.create(data as never), { message: /cannot be stored|maxSessionBytes/ });
  }
  t.is(store.size, 1);
});

/** The names that files of a store have: docs/internals/format.md. */
const FILES = /^(LOCK|MANIFEST|reserve|log-\d+-\d{3,}|snap-\d+)$/;

test('S43 the directory has mode 700 and its files 600, and no name comes from an id', async (t) => {
  const umask = process.umask(0);
  t.teardown(() => process.umask(umask));
  const store = await openStore(t);
  const sessions: string[] = [];
  for (let n = 0; n < 50; n++) {
    const { id, handle } = await store.create({ n }, { uid: `../../evil-${n}` });
    sessions.push(id, handle, Buffer.from(id, 'base64url').toString('hex'));
    if (n % 10 === 9) await store.checkpoint();
  }
  const seen = (): void => {
    t.is((statSync(store.path).mode & 0o7777).toString(8), '700');
    for (const name of readdirSync(store.path)) {
      t.regex(name, FILES);
      t.false(sessions.some((text) => name.includes(text.slice(0, 8))));
      t.is((statSync(join(store.path, name)).mode & 0o7777).toString(8), '600', name);
    }
  };
  seen();
  // What looks like a path is no id, so it is not found, and nothing is made.
  const before = treeOf(dirname(store.path));
  for (const id of ['../sessions.data/MANIFEST', '/etc/passwd', `..${'/x'.repeat(20)}A`, 'MANIFEST', '.\0']) {
    t.is(store.get(id), undefined);
    t.false(await store.destroy(id));
  }
  t.deepEqual(treeOf(dirname(store.path)), before);
  await store.close();
  seen();
});

/** The directory of a closed store with a snapshot and a log after it. */
async function closedStore(t: ExecutionContext): Promise<string> {
  const store = await openStore(t);
  for (let n = 0; n < 20; n++) {
    await store.create({ n });
    if (n === 10) await store.checkpoint();
  }
  await store.close();
  return store.path;
}

test('S43 a symlink in place of the directory is refused, whatever it points to', async (t) => {
  const target = await closedStore(t);
  for (const [name, to] of Object.entries({ relative: 'sessions.data', absolute: target, dangling: 'nowhere' })) {
    const path = join(dirname(target), name);
    symlinkSync(to, path);
    for (const onCorruption of ['error', 'fresh', 'salvage'] as const) {
      const before = treeOf(dirname(path));
      await t.throwsAsync(SessionStore.open({ path, onCorruption }), {
        code: 'ERR_SESSION_PATH',
        message: /is a symlink, which is not followed: give the directory itself/,
      });
      t.deepEqual(treeOf(dirname(path)), before);
    }
  }
  t.is((await openStore(t, { path: target })).size, 20);
});

test('S43 a symlink in place of a file is not followed, and what it points to is not touched', async (t) => {
  const path = await closedStore(t);
  const elsewhere = join(dirname(path), 'elsewhere');
  for (const name of [
    'LOCK',
    'MANIFEST',
    'log-1-002',
    'snap-2',
    'reserve',
    'tmp-MANIFEST',
    'tmp-snap-3',
    'tmp-reserve',
  ]) {
    const file = join(path, name);
    const isThere = existsSync(file);
    if (isThere) renameSync(file, elsewhere);
    else writeFileSync(elsewhere, 'of somebody else');
    symlinkSync(elsewhere, file);
    const before = treeOf(elsewhere);
    // Without the reserve, and in place of what is being written, the store does with files of its own.
    const isNeeded = isThere && name !== 'reserve';
    for (const onCorruption of ['error', 'fresh', 'salvage'] as const) {
      const opening = SessionStore.open({ path, onCorruption });
      if (isNeeded) await t.throwsAsync(opening, { code: 'ERR_SESSION_IO', message: /symbolic links/ }, name);
      else await (await opening).close();
      t.deepEqual(treeOf(elsewhere), before, name);
    }
    rmSync(file, { force: true });
    if (isNeeded) renameSync(elsewhere, file);
  }
  t.is((await openStore(t, { path })).size, 20);
});

const canTrace = process.platform === 'linux' && spawnSync('strace', ['-V']).status === 0;

(canTrace ? test : test.skip)(
  `S43 each file is new, is synced before it gets its name, and then its directory is${canTrace ? '' : ' [skipped: needs strace]'}`,
  async (t) => {
    const path = freshPath(t);
    const log = join(dirname(path), 'trace');
    const calls = 'trace=openat,renameat,renameat2,fsync,fdatasync,unlinkat';
    await run('strace', ['-f', '-y', '-e', calls, '-o', log, process.execPath, fixturePath('checkpoint.mjs'), path]);
    const lines = readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => line.includes(`<${path}`));
    const opened = lines.filter((line) => / openat\(\d+<[^>]*>, "[^."]/.test(line));
    t.true(opened.length > 10);
    for (const line of opened) {
      t.regex(line, /O_NOFOLLOW/);
      if (/O_CREAT/.test(line)) t.regex(line, /"LOCK".*, 0600\)|O_CREAT\|O_EXCL.*, 0600\)/);
    }
    const renames = [...lines.entries()].filter(([, line]) => line.includes(' renameat'));
    const names = renames.map(([, line]) => / "tmp-([^"]+)", \d+<[^>]*>, "\1"/.exec(line)?.[1]);
    t.true(names.includes('MANIFEST') && names.includes('snap-2'), names.join());
    for (const [at, line] of renames) {
      const thread = line.split(' ')[0]!;
      const name = / "(tmp-[^"]+)", /.exec(line)![1]!;
      const made = lines.findLastIndex(
        (other, n) => n < at && other.includes(` openat(`) && other.includes(`"${name}"`),
      );
      const synced = lines.findIndex(
        (other, n) => n > made && / f(data)?sync\(/.test(other) && other.includes(`/${name}>`),
      );
      t.true(made < synced && synced < at, `${name} is synced before it is renamed`);
      const next = lines.slice(at + 1).find((other) => other.startsWith(`${thread} `) && !other.includes('resumed'));
      t.regex(next ?? '', new RegExp(` fsync\\(\\d+<${path}>`), `the directory is synced after ${name} is renamed`);
    }
  },
);

test('S44 over HTTP: a flood of guests evicts guests alone, and stays within the bounds', async (t) => {
  const store = new SessionStore({ maxSessions: 50, maxBytes: 64 * 1_024, maxSessionBytes: 4_096 });
  const onError = (error: unknown, _req: unknown, res: { end(text: string): void }): void =>
    res.end((error as { code: string }).code);
  const app = kinds[2]!.app({ store, onError: onError as never }, (req, res) => {
    const large = /^\/(\d+)/.exec(req.url!)?.[1];
    if (large !== undefined) req.session.data['text'] = 'x'.repeat(Number(large));
    return visit(req, res);
  });
  const url = await serve(t, app);
  const users = ['ann', 'bob', 'eve'].map((name) => ({ name, client: new Client(url) }));
  for (const { name, client } of users) await client.get(`/login?as=${name}`);
  for (let n = 0; n < 1_000; n++) {
    await request(`${url}/${n % 3 === 0 ? 3_000 : 10}`);
    if (store.size > 50 || store.bytes > 64 * 1_024) t.fail(`${store.size} sessions, ${store.bytes} bytes`);
  }
  t.is((await request(`${url}/5000`)).body, 'ERR_SESSION_TOO_LARGE');
  for (const { name, client } of users) t.is((await client.get('/')).body, `["${name}",{}]`);
  t.is(store.stats().users, 3);
  t.true(store.stats().evicted > 900);
});

test('S44 no number of guests evicts a user', (t) => {
  const store = new SessionStore({ maxSessions: 100 });
  const users = Array.from({ length: 60 }, (_, n) => store.create({}, { uid: `u${n}` }));
  for (let n = 0; n < 5_000; n++) store.create({ n });
  t.true(users.every(({ id }) => store.has(id)));
  t.is(store.stats().guests, 40);
  t.is(store.size, 100);
});

for (const onDisk of [false, true]) {
  test(`S45 ${onDisk ? 'on disk' : 'in memory'}: whatever happens to a session, the event has its handle, user and reason, and never its id`, async (t) => {
    const clock = new ManualClock(0);
    const options = { clock, maxSessions: 3, idleTimeout: '30m', absoluteTimeout: '9h' } as const;
    const store = onDisk ? ((await openStore(t, options)) as unknown as SessionStore) : new SessionStore(options);
    const ids: string[] = [];
    const events: [string, SessionEvent][] = [];
    for (const name of EVENT_NAMES) store.on(name, (event) => events.push([name, event]));
    const first = await store.create({});
    const second = (await store.regenerate(first.id))!;
    const third = (await store.regenerate(second.id, { uid: 'ada' }))!;
    const fourth = (await store.regenerate(third.id, { uid: 'bob' }))!;
    const others = [await store.create({}), await store.create({}), await store.create({})];
    await store.destroy(fourth.id);
    clock.advance('30m');
    ids.push(...[first, second, third, fourth, ...others].map(({ id }) => id));
    await until(() => events.filter(([name]) => name === 'expired').length === 2, 'all are told');
    const handles = new Set(ids.map((id) => id.slice(0, 16)));
    for (const [, event] of events) {
      t.deepEqual(Object.keys(event).toSorted(), ['handle', 'reason', 'uid']);
      t.true(handles.has(event.handle));
      t.false(ids.some((id) => inspect(event, { showHidden: true }).includes(id.slice(16))));
    }
    t.deepEqual(events.map(([name, { reason, uid }]) => `${name} ${reason} ${uid}`).slice(0, -2), [
      'created create Guest',
      'regenerated regenerate Guest',
      'regenerated login ada',
      'destroyed login ada',
      'created login bob',
      'created create Guest',
      'created create Guest',
      'evicted max-sessions Guest',
      'created create Guest',
      'destroyed destroy bob',
    ]);
  });
}

for (const onDisk of [false, true]) {
  test.serial(
    `S48 ${onDisk ? 'on disk' : 'in memory'}: a listener that throws leaves no session valid that has ended`,
    async (t) => {
      const clock = new ManualClock(1_000_000);
      const options = { clock, maxSessions: 4, idleTimeout: '30m' } as const;
      const store = onDisk ? ((await openStore(t, options)) as unknown as SessionStore) : new SessionStore(options);
      const warned = warnings(t);
      const thrown: string[] = [];
      for (const name of EVENT_NAMES) {
        store.on(name, () => {
          thrown.push(name);
          // Without a stack, which the warning would print each time.
          throw Object.assign(new Error(name), { stack: `a listener of ${name}` });
        });
      }
      const url = await serve(t, kinds[2]!.app({ store }, visit));
      const over: string[] = [];
      for (const end of ['/logout', '/destroy', '/renew', '/login?as=eve']) {
        const client = new Client(url);
        await client.get('/login?as=ann');
        over.push(client.cookie);
        t.is((await client.get(end)).status, 200, end);
        await aWhile();
        await client.get('/logout');
      }
      const evicted = new Client(url);
      await evicted.get('/login?as=old');
      for (let n = 0; n < 4; n++) await new Client(url).get('/login?as=young');
      const expired = new Client(url);
      await expired.get('/login?as=ann');
      clock.advance('30m');
      over.push(evicted.cookie, expired.cookie);
      await until(() => EVENT_NAMES.every((name) => thrown.includes(name)), 'each listener has thrown');
      const check = async (origin: string): Promise<void> => {
        for (const cookie of over) {
          t.is((await request(origin, { headers: { cookie } })).body, '["Guest",{}]');
        }
      };
      await check(url);
      await until(() => warned.length > 0, 'it is told');
      t.true(warned.every(({ code }) => code?.startsWith('SESSION_')));
      if (!onDisk) return;
      const again = await reopen(t, store as never, options);
      await check(await serve(t, kinds[2]!.app({ store: again }, visit)));
    },
  );
}

for (const onDisk of [false, true]) {
  test(`S49 ${onDisk ? 'on disk' : 'in memory'}: two applications are apart: a session of one is void in the other, under the same cookie name`, async (t) => {
    const open = async (): Promise<SessionStore> =>
      onDisk ? ((await openStore(t)) as unknown as SessionStore) : new SessionStore();
    const [shop, admin] = [await open(), await open()];
    const [shopUrl, adminUrl] = [
      await serve(t, kinds[2]!.app({ store: shop }, visit)),
      await serve(t, kinds[2]!.app({ store: admin }, visit)),
    ];
    const client = new Client(shopUrl);
    await client.get('/login?as=root');
    const { cookie } = client;
    const id = client.jar.get('id')!;
    for (const path of ['/', '/renew', '/logout', '/destroy']) {
      const answer = await request(adminUrl + path, { headers: { cookie } });
      t.false(answer.body.includes('root'), path);
      t.false(answer.cookies.some((text) => text.includes(id)));
    }
    const begun = await request(`${adminUrl}/write`, { headers: { cookie } });
    t.is(begun.body, '["Guest",{"n":1}]');
    t.false(begun.cookies[0]!.includes(id), 'the other application gives an id of its own');
    t.is(admin.get(id), undefined);
    t.false(await admin.destroyByHandle(id.slice(0, 16)));
    t.deepEqual(await admin.commit(id, undefined, {}), { status: 'gone' });
    t.is(await new SessionManager({ store: admin }).load(id), undefined);
    t.is((await client.get('/')).body, '["root",{}]', 'and in its own it is as it was');
  });
}
