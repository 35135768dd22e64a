/** Two requests at one session at once. */
import * as fc from 'fast-check';
import test from 'ava';
import { SessionManager, SessionStore, type Concurrency, type Session } from 'agai-session';
import { kinds } from '../helpers/apps.js';
import { Client, deferred, request, serve } from '../helpers/http.js';
import { remoteBackend } from '../helpers/remote-backend.js';

type Data = Record<string, unknown>;

function open(
  concurrency: Concurrency = 'merge',
  remote = false,
): { store: SessionStore; manager: SessionManager<Data>; begin: (data: Data) => Promise<string> } {
  const store = new SessionStore();
  const manager = new SessionManager<Data>({ store: remote ? remoteBackend(store.backend) : store, concurrency });
  const begin = async (data: Data): Promise<string> => store.create(data).id;
  return { store, manager, begin };
}

async function both(manager: SessionManager<Data>, id: string): Promise<[Session<Data>, Session<Data>]> {
  return [(await manager.load(id))!, (await manager.load(id))!];
}

for (const remote of [false, true]) {
  const over = remote ? 'over a store that answers promises' : 'over a native store';

  test(`${over}: two requests change different keys, and both changes are kept`, async (t) => {
    const { store, manager, begin } = open('merge', remote);
    const id = await begin({ a: 1, b: 1, c: 1, gone: 1 });
    const [first, second] = await both(manager, id);
    first.data['a'] = 2;
    delete first.data['gone'];
    second.data['b'] = { deep: [2] };
    second.data['new'] = true;
    const held = second.data;
    await Promise.all([first.save(), second.save()]);
    t.deepEqual(store.get(id)!.data, { a: 2, b: { deep: [2] }, c: 1, new: true });
    t.is(second.data, held, 'the object that the handler holds is the one that was merged into');
    second.data['c'] = 3;
    await second.save();
    t.deepEqual(store.get(id)!.data, { a: 2, b: { deep: [2] }, c: 3, new: true });
  });

  test(`${over}: two requests change one key: the later change wins; in strict mode it fails; last-write-wins replaces all data`, async (t) => {
    const results: Record<Concurrency, Data> = {
      merge: { a: 'second', b: 'first' },
      strict: { a: 'first', b: 'first' },
      'last-write-wins': { a: 'second', b: 0 },
    };
    for (const [mode, expected] of Object.entries(results) as [Concurrency, Data][]) {
      const { store, manager, begin } = open(mode, remote);
      const id = await begin({ a: 0, b: 0 });
      const [first, second] = await both(manager, id);
      Object.assign(first.data, { a: 'first', b: 'first' });
      second.data['a'] = 'second';
      await first.save();
      if (mode === 'strict') await t.throwsAsync(async () => second.save(), { code: 'ERR_SESSION_CONFLICT' });
      else await second.save();
      t.deepEqual(store.get(id)!.data, expected, mode);
    }
  });

  test(`${over}: a login after a concurrent change keeps the change, and a change after a concurrent login fails as gone`, async (t) => {
    const { store, manager, begin } = open('merge', remote);
    const id = await begin({ a: 1 });
    const [login, change] = await both(manager, id);
    const [late] = await both(manager, id);
    change.data['b'] = 2;
    await change.save();
    login.login('ann');
    await login.save();
    t.deepEqual([store.get(login.id!)!.uid, store.get(login.id!)!.data], ['ann', { a: 1, b: 2 }]);
    late.data['c'] = 3;
    await t.throwsAsync(async () => late.save(), { code: 'ERR_SESSION_GONE' }, 'who holds the old id writes nothing');
    t.deepEqual(store.get(login.id!)!.data, { a: 1, b: 2 });
  });
}

test('the merge keeps every change that does not conflict, whatever the keys are', (t) => {
  const { store, manager } = open();
  const data = fc.dictionary(
    fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor', '1'),
    fc.oneof(fc.integer(), fc.constant(null), fc.object({ maxDepth: 1 })),
  );
  const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
  const property = fc.property(data, data, data, (base, ours, theirs) => {
    const id = store.create(json(base) as Data).id;
    const session = manager.load(id) as Session<Data>;
    session.data = json(ours) as Data;
    const other = store.commit(id, undefined, json(theirs) as Data);
    if (other.status !== 'ok') return false;
    void session.save();
    const merged = store.get(id)!.data;
    store.destroy(id);
    return [...new Set([base, ours, theirs].flatMap((data) => Object.keys(data)))].every((key) => {
      const text = (data: object): string | undefined =>
        Object.hasOwn(data, key) ? JSON.stringify((data as Data)[key]) : undefined;
      const expected =
        text(json(ours) as Data) === text(json(base) as Data) ? text(json(theirs) as Data) : text(json(ours) as Data);
      return text(merged) === expected;
    });
  });
  fc.assert(property, { numRuns: 2_000 });
  t.is(store.size, 0);
  t.is(({} as Data)['a'], undefined, 'no prototype was touched');
});

// The response did not wait, and told a person who was still logged in that he was not.
test('the response waits for a logout and fails if it fails, whether or not the handler waits', async (t) => {
  const store = new SessionStore();
  const { id } = store.create({ n: 1 });
  const slow = remoteBackend(store.backend);
  const broken = Object.assign(remoteBackend(store.backend), { destroy: async () => Promise.reject(new Error('no')) });
  const out = (backend: typeof slow): ReturnType<(typeof kinds)[number]['app']> =>
    kinds[0]!.app({ store: backend, onError: (_error, _req, res) => res.end() }, (req, res) => {
      void req.session.logout();
      res.end('bye');
    });
  const refused = await request(await serve(t, out(broken)), { headers: { cookie: `id=${id}` } });
  t.deepEqual([refused.status, refused.cookies], [500, []]);
  t.true(store.has(id));
  const done = await request(await serve(t, out(slow)), { headers: { cookie: `id=${id}` } });
  t.deepEqual([done.status, done.cookies.length, store.has(id)], [200, 1, false]);
});

test('a logout during a write ends the session that the write stores, and the response waits', async (t) => {
  const store = new SessionStore();
  const { id } = store.create({ n: 1 });
  const app = kinds[0]!.app({ store: remoteBackend(store.backend) }, (req, res) => {
    req.session.data['n'] = 2;
    req.session.regenerate();
    void req.session.save();
    void req.session.logout();
    res.end('bye');
  });
  const answer = await request(await serve(t, app), { headers: { cookie: `id=${id}` } });
  t.deepEqual([answer.status, store.size], [200, 0]);
  t.regex(answer.cookies[0]!, /^id=; Expires/);
});

// The write that was under way took the login for done.
test('a login during a write is written after it', async (t) => {
  const store = new SessionStore();
  const manager = new SessionManager<Data>({ store: remoteBackend(store.backend) });
  const session = (await manager.load(store.create({ n: 1 }).id))!;
  session.data['n'] = 2;
  const saved = session.save();
  session.login('ann');
  await saved;
  t.is(session.uid, 'ann');
  await session.save();
  t.deepEqual([store.get(session.id!)!.uid, store.get(session.id!)!.data], ['ann', { n: 2 }]);
});

// A save() that was refused had everything that came after it taken for refused too.
test('a login after a failed save is still written', async (t) => {
  const store = new SessionStore();
  const { id } = store.create({ n: 1 });
  const url = await serve(
    t,
    kinds[0]!.app(
      { store, concurrency: 'strict', onError: (error, _, res) => res.end((error as { code: string }).code) },
      async (req, res) => {
        req.session.data['n'] = 2;
        store.commit(id, undefined, { n: 3 });
        t.throws(() => req.session.save(), { code: 'ERR_SESSION_CONFLICT' });
        req.session.login('ann');
        res.end('welcome');
      },
    ),
  );
  t.is(
    (await request(url, { headers: { cookie: `id=${id}` } })).body,
    'ERR_SESSION_CONFLICT',
    'it failed, and said so',
  );
});

for (const { name, app } of kinds) {
  test(`${name}: two slow requests change two keys, and both changes are stored`, async (t) => {
    const store = new SessionStore();
    const gates = { '/a': deferred(), '/b': deferred() };
    const arrived = { '/a': deferred(), '/b': deferred() };
    const url = await serve(
      t,
      app({ store }, async (req, res) => {
        const path = req.url as '/a' | '/b';
        const { data } = req.session;
        if (path in gates) {
          arrived[path].resolve();
          await gates[path].promise;
        }
        data[path] = true;
        res.end();
      }),
    );
    const client = new Client(url);
    await client.get('/begin');
    const requests = [client.get('/a'), client.get('/b')];
    await Promise.all([arrived['/a'].promise, arrived['/b'].promise]);
    gates['/b'].resolve();
    await requests[1];
    gates['/a'].resolve();
    await requests[0];
    t.deepEqual(store.get(client.jar.get('id')!)!.data, { '/begin': true, '/b': true, '/a': true });
  });

  // It named the id that the session had had, found nothing, and the answer was 200: 100 of 100 such logouts were lost.
  test(`${name}: a logout beside a renewal ends the session under its new id, and a login as well`, async (t) => {
    for (const renewal of ['/renew', '/login']) {
      const store = new SessionStore();
      const [gate, arrived] = [deferred(), deferred()];
      const url = await serve(
        t,
        app({ store }, async (req, res) => {
          const { session } = req;
          // Loaded while its id was current.
          const { uid } = session;
          if (req.url === '/logout') {
            arrived.resolve();
            await gate.promise;
            await session.logout();
          } else if (req.url === '/renew') session.regenerate();
          else if (req.url === '/login') session.login('ann');
          res.end(uid);
        }),
      );
      const client = new Client(url);
      await client.get('/login');
      const logout = client.get('/logout');
      await arrived.promise;
      const renewed = await client.get(renewal);
      t.is(renewed.cookies.length, 1);
      const cookie = client.jar.get('id')!;
      gate.resolve();
      t.is((await logout).status, 200);
      t.is(store.size, 0, 'nothing is left of it');
      t.is((await request(url, { headers: { cookie: `id=${cookie}` } })).body, 'Guest');
    }
  });
}
