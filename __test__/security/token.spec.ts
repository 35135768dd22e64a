/** The token, which is the value of the cookie: what it is made of, where it is accepted, and where it never appears. */
import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import test from 'ava';
import { SessionManager, SessionStore, type SessionStoreStats } from 'agai-session';
import { ManualClock } from 'agai-session/testing';
import { count, kinds, read, visit } from '../helpers/apps.js';
import { cli } from '../helpers/cli.js';
import { DURABILITIES, filesBelow, openStore } from '../helpers/durable.js';
import { EVENT_NAMES } from '../helpers/events.js';
import { Client, request, serve, warnings } from '../helpers/http.js';
import { remoteBackend } from '../helpers/remote-backend.js';
import { until } from '../helpers/until.js';

const BYTES = 32;
/** Characters of the handle, with which the id begins. The others are the secret. */
const HANDLE = 16;

/** Counts how often each bit of many ids is set. */
class Bits {
  #ids = 0;
  /** How often each byte has each value. */
  readonly #values = Array.from({ length: BYTES }, () => new Uint32Array(256));

  add(id: string): void {
    const bytes = Buffer.from(id, 'base64url');
    this.#ids += 1;
    for (let at = 0; at < BYTES; at++) this.#values[at]![bytes[at]!]! += 1;
  }

  /** Of each bit how far it is from being set in half of the ids, in standard deviations. */
  deviations(): number[] {
    return this.#values.flatMap((counts) =>
      Array.from({ length: 8 }, (_, bit) => {
        const set = counts.reduce((sum, times, value) => sum + (value & (1 << bit) ? times : 0), 0);
        return (set - this.#ids / 2) / Math.sqrt(this.#ids / 4);
      }),
    );
  }
}

/** The largest deviation of 256 fair bits is below this, except once in two million runs. */
const MOST = 6;

test('S01 a million ids are distinct, and each of their 256 bits is set in half of them', (t) => {
  const ids = 1_000_000;
  const store = new SessionStore({ maxSessions: 100 });
  const bits = new Bits();
  const [handles, secrets] = [new BigUint64Array(ids), new BigUint64Array(ids)];
  for (let n = 0; n < ids; n++) {
    const { id } = store.create({});
    const bytes = Buffer.from(id, 'base64url');
    bits.add(id);
    handles[n] = bytes.readBigUInt64LE(0);
    secrets[n] = bytes.readBigUInt64LE(12);
  }
  for (const numbers of [handles, secrets]) {
    numbers.sort();
    t.true(numbers.every((number, at) => at === 0 || number !== numbers[at - 1]));
  }
  const deviations = bits.deviations();
  t.is(deviations.length, 256);
  t.deepEqual(
    deviations.filter((deviation) => Math.abs(deviation) > MOST),
    [],
  );
});

test('S01 the secret that a renewal gives is as random as the first', (t) => {
  const store = new SessionStore();
  const bits = new Bits();
  for (let n = 0; n < 100_000; n++) {
    const { id } = store.create({});
    bits.add(store.regenerate(id)!.id);
    store.destroy(id);
    if (n % 1_000 === 0) store.clear();
  }
  t.deepEqual(
    bits.deviations().filter((deviation) => Math.abs(deviation) > MOST),
    [],
  );
});

test('S02 an id says nothing of its session: user, data and time leave no bit in it, and it always has 43 characters', async (t) => {
  const [small, large] = [
    { at: 0, data: {}, uid: undefined },
    { at: Date.UTC(2040, 0, 1), data: { address: 'Main Street 5', list: 'x'.repeat(5_000) }, uid: 'ann@example.com' },
  ];
  const found = [small, large].map(({ at, data, uid }) => {
    const store = new SessionStore({ clock: new ManualClock(at), maxSessions: 10 });
    const bits = new Bits();
    for (let n = 0; n < 50_000; n++) {
      const { id } = store.create(data, uid === undefined ? {} : { uid });
      if (!/^[\w-]{43}$/.test(id)) t.fail(id);
      bits.add(id);
    }
    return bits.deviations();
  });
  const different = found[0]!.filter((deviation, bit) => Math.abs(deviation - found[1]![bit]!) > MOST * Math.SQRT2);
  t.deepEqual(different, []);
  const url = await serve(t, kinds[2]!.app({}, visit));
  const client = new Client(url);
  for (const path of ['/write', '/login?as=ann@example.com', '/renew']) {
    const { cookies } = await client.get(path);
    t.regex(cookies[0]!, /^id=[\w-]{43};/, 'the cookie has the id and nothing else');
  }
});

/** Every way in which the secret half of an id might be written somewhere. */
function formsOf(id: string): Buffer[] {
  const secret = id.slice(HANDLE);
  const raw = Buffer.from(id, 'base64url').subarray(12);
  const hex = raw.toString('hex');
  return [
    Buffer.from(secret),
    Buffer.from(secret, 'utf16le'),
    Buffer.from(raw.toString('base64')),
    Buffer.from(hex),
    Buffer.from(hex.toUpperCase()),
    raw,
  ];
}

/** The ids whose secret is somewhere in `bytes`. */
function leaked(ids: readonly string[], bytes: Buffer): string[] {
  return ids.filter((id) => formsOf(id).some((form) => bytes.includes(form)));
}

for (const durability of DURABILITIES) {
  test(`S03 ${durability}: no file holds the secret of a session in any encoding`, async (t) => {
    const store = await openStore(t, { durability });
    const ids: string[] = [];
    for (let n = 0; n < 20; n++) {
      const { id } = await store.create({ findable: `data-${n}` });
      const moved = await store.regenerate(id, { uid: `u${n}` });
      ids.push(id, moved!.id);
    }
    await store.checkpoint();
    await store.update(ids.at(-1)!, (data) => void (data['late'] = true));
    await store.destroy(ids[1]!);
    await store.flush();
    const scan = (): void => {
      const files = filesBelow(store.path);
      t.true(
        files.some(({ bytes }) => bytes.includes('data-7')),
        'the data itself is found',
      );
      for (const { name, bytes } of files) t.deepEqual(leaked(ids, bytes), [], name);
    };
    scan();
    await store.close();
    scan();
  });
}

/** Everything that an error says. */
function told(error: unknown): string {
  const { stack, cause } = error as Error;
  return `${inspect(error, { depth: 9, showHidden: true })} ${stack} ${JSON.stringify(error)} ${cause ? told(cause) : ''}`;
}

test.serial(
  'S03 after real use no id is in events, errors, warnings, statistics, logged objects or the output of the command',
  async (t) => {
    const store = await openStore(t, { idleTimeout: '1h' });
    const seen: string[] = [];
    const look = (value: unknown): void => {
      seen.push(inspect(value, { depth: 9, showHidden: true, getters: true }));
      try {
        seen.push(String(JSON.stringify(value)));
      } catch (error) {
        seen.push(told(error));
      }
    };
    for (const name of EVENT_NAMES) store.on(name, look);
    const warned = warnings(t);
    const manager = new SessionManager<Record<string, unknown>>({
      store,
      onError: (error, _, res) => {
        seen.push(told(error));
        res.end();
      },
    });
    const ids = new Set<string>();
    const url = await serve(t, async (req, res) => {
      const session = await manager.start(req, res);
      const { url: path } = req;
      if (path === '/login') session.login('ann');
      else if (path === '/renew') void session.regenerate();
      else if (path === '/logout') await session.logout();
      else if (path === '/large') session.data['text'] = 'x'.repeat(100_000);
      else if (path === '/wrong') session.data['n'] = 1n;
      else session.data['n'] = path;
      look(session);
      look(req.headers.cookie === undefined ? manager : store);
      if (session.id !== undefined) ids.add(session.id);
      res.end('done');
    });
    const clients = Array.from({ length: 5 }, () => new Client(url));
    for (const client of clients) {
      for (const path of ['/', '/again', '/login', '/large', '/wrong', '/renew', '/more']) {
        await client.get(path);
        const id = client.jar.get('id');
        if (id !== undefined) ids.add(id);
      }
    }
    await clients[0]!.get('/logout');
    const [id] = ids;
    const slow = (await manager.load(clients[1]!.jar.get('id')!))!;
    await store.destroyByHandle(slow.handle!);
    slow.data['late'] = true;
    // An id in the place of something else, as by mistake.
    const mistakes: (() => unknown)[] = [
      () => slow.save(),
      () => store.destroyByHandle(id!),
      () => manager.load(id!.slice(0, HANDLE)),
      () => store.page({ cursor: id! }),
      () => store.page({ limit: id as never }),
      () => store.get([id] as never),
      () => store.get({ id } as never),
      () => store.commit(id!, id as never, {}),
      () => store.touch(id!, { idleTimeout: id as never }),
      () => store.on(id as 'created', () => undefined),
      () => new SessionManager({ store, cookie: { name: `${id};` } }),
    ];
    for (const mistake of mistakes) {
      try {
        await mistake();
        t.log(`${mistake}: no error`);
      } catch (error) {
        seen.push(told(error));
      }
    }
    await store.flush();
    look(store.stats());
    look(store.page());
    look([...store.sessions()]);
    look(store.get(clients[2]!.jar.get('id')!));
    await store.checkpoint();
    await until(
      () => seen.some((text) => text.includes('destroyed') || text.includes('logout')),
      'the events are told',
    );
    const { path } = store;
    await store.close();
    for (const command of ['verify', 'inspect']) {
      const all = command === 'inspect' ? ['--sessions', '--users', '--data', '--hashes'] : [];
      for (const json of [[], ['--json']]) {
        const { stdout, stderr } = await cli(command, ...all, ...json, path);
        seen.push(stdout, stderr);
      }
    }
    seen.push(...warned.map(told));
    t.true(ids.size >= 15, `${ids.size} ids were given`);
    t.true(seen.length > 100 && seen.join().includes([...ids][3]!.slice(0, HANDLE)), 'handles are shown');
    t.deepEqual(
      seen.filter((text) => leaked([...ids], Buffer.from(text)).length > 0),
      [],
    );
  },
);

for (const { name, app } of kinds) {
  for (const remote of [false, true]) {
    const kind = `${name}${remote ? ' over a store that answers promises' : ''}`;

    test(`S05 ${kind}: ids that a client invents are never adopted, and do no harm`, async (t) => {
      const store = new SessionStore();
      const url = await serve(t, app({ store: remote ? remoteBackend(store.backend) : store }, count));
      const { id } = store.create({ n: 41 });
      const other = store.create({ n: 1_000 });
      store.destroy(other.id);
      const made = 'A'.repeat(43);
      const bad = [
        `id=${made}`,
        `id=${other.id}`,
        'id=',
        'id',
        `ID=${id}`,
        `__Host-id=${id}`,
        `xid=${id}`,
        `id="${id}"`,
        `id=${id}x`,
        `id=${id.slice(1)}`,
        `id=${id}%00`,
        `id=s%3A${id}.signature`,
        `id=${'x'.repeat(8_000)}`,
        `id=${store.create({ n: 5 }).id}; id=${store.create({ n: 6 }).id}`,
      ];
      for (const cookie of bad) {
        const answer = await request(url, { headers: { cookie } });
        t.is(answer.status, 200, cookie.slice(0, 60));
        t.is(answer.body, '1', `${cookie.slice(0, 60)} begins a new session`);
        const given = answer.cookies[0]!.slice(3, 46);
        t.false(cookie.includes(given), `${cookie.slice(0, 60)} gets a new id`);
        t.is(store.get(given)?.data['n'], 1);
      }
      for (const good of [
        `id=${id}`,
        `a=b; id=${id} ; c=d`,
        `id=${made}; id=${id}`,
        `id=${id}; id=${id}`,
        `id=junk; id=${id}`,
      ]) {
        const before = store.get(id)!.data['n'] as number;
        const answer = await request(url, { headers: { cookie: good } });
        t.is(answer.body, String(before + 1), good.slice(0, 60));
        t.deepEqual(answer.cookies, []);
      }
    });
  }
}

test('S05 an unknown, ended, expired, renewed-away or malformed id counts as rejected', async (t) => {
  const clock = new ManualClock();
  const store = new SessionStore({ clock, idleTimeout: '30m' });
  const url = await serve(t, kinds[2]!.app({ store }, count));
  const expired = store.create({});
  clock.advance('30m');
  const renewed = store.create({});
  const current = store.regenerate(renewed.id, { uid: 'ann' })!;
  const ended = store.create({});
  store.destroy(ended.id);
  const bad = {
    unknown: 'A'.repeat(43),
    ended: ended.id,
    expired: expired.id,
    'renewed away': renewed.id,
    'too long': current.id + 'A',
    'too short': current.id.slice(1),
    'of another alphabet': `+${current.id.slice(1)}`,
    empty: '',
    'of thousands of characters': 'x'.repeat(8_000),
  };
  for (const [what, id] of Object.entries(bad)) {
    const { rejected }: SessionStoreStats = store.stats();
    const answer = await request(url, { headers: { cookie: `id=${id}` } });
    t.is(store.stats().rejected, rejected + 1, what);
    t.is(answer.body, '1', what);
    t.false(answer.cookies[0]!.includes(`id=${id};`), what);
  }
  const { rejected } = store.stats();
  await request(url);
  await request(url, { headers: { cookie: `id=${current.id}` } });
  await request(url, { headers: { cookie: 'other=1' } });
  t.is(store.stats().rejected, rejected, 'neither a visitor without a cookie nor a good id is suspicious');
});

for (const { name, app } of kinds) {
  for (const remote of [false, true]) {
    test(`S06 ${name}${remote ? ' over a store that answers promises' : ''}: an id in the URL, the body or another header is ignored`, async (t) => {
      const store = new SessionStore();
      const url = await serve(t, app({ store: remote ? remoteBackend(store.backend) : store }, read));
      const { id } = store.create({ secret: 1 });
      const elsewhere: [string, Record<string, string>?, string?][] = [
        [`/?id=${id}&__Host-id=${id}`],
        [`/${id}/id=${id};id=${id}?sid=${id}`],
        ['/', { 'content-type': 'application/x-www-form-urlencoded' }, `id=${id}`],
        ['/', { 'content-type': 'application/json' }, JSON.stringify({ id })],
        ['/', { id, 'x-id': id, 'set-cookie': `id=${id}`, cookie2: `id=${id}` }],
        ['/', { authorization: `Bearer ${id}`, 'x-session-id': id, 'x-auth-token': id }],
      ];
      for (const [path, headers = {}, body] of elsewhere) {
        const answer = await request(url + path, { method: 'POST', headers, ...(body === undefined ? {} : { body }) });
        t.deepEqual([answer.body, answer.cookies], ['{}', []], path);
      }
      t.is((await request(url, { headers: { cookie: `id=${id}` } })).body, '{"secret":1}', 'only as the cookie');
    });
  }
}

test('S07 neither the name of the cookie nor any header of the response names the technology', async (t) => {
  for (const cookie of [{}, { secure: false }, { secure: true }]) {
    const manager = new SessionManager<{ n?: number }>({ cookie });
    const url = await serve(t, async (req, res) => {
      const session = await manager.start(req, res, { secure: cookie.secure !== false });
      session.data.n = 1;
      res.end();
    });
    const { cookies, headers } = await request(url);
    const name = cookies[0]!.split('=')[0]!;
    t.regex(name, /^(__Host-)?id$/);
    const expected = new Set([
      'cache-control',
      'connection',
      'content-length',
      'date',
      'keep-alive',
      'set-cookie',
      'vary',
    ]);
    t.deepEqual(
      Object.keys(headers).filter((header) => !expected.has(header)),
      [],
    );
  }
});

test('S08 the cookie proves nothing by itself: without the record on the server it is a guest’s', async (t) => {
  const store = new SessionStore();
  const client = new Client(await serve(t, kinds[2]!.app({ store }, visit)));
  await client.get('/login');
  const { cookie } = client;
  t.is((await client.get('/write')).body, '["ann",{"n":1}]');
  t.is(client.cookie, cookie, 'what is in the session does not change it');
  const restarted = await serve(t, kinds[2]!.app({ store: new SessionStore() }, visit));
  t.is((await request(restarted, { headers: { cookie } })).body, '["Guest",{}]', 'a server without the record');
  store.clear();
  t.is((await client.get('/', { headers: { cookie } })).body, '["Guest",{}]', 'a record that was removed');
});

test('S09 an id with any one of its 256 bits flipped opens nothing, and the whole id still does', async (t) => {
  const store = new SessionStore();
  const { id, handle } = store.create({ n: 1 }, { uid: 'ann' });
  const url = await serve(t, kinds[0]!.app({ store }, visit));
  for (let bit = 0; bit < 8 * BYTES; bit++) {
    const bytes = Buffer.from(id, 'base64url');
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    const flipped = bytes.toString('base64url');
    t.is(flipped.slice(0, HANDLE) === handle, bit >= 8 * 12, 'the secret is what follows the handle');
    t.is(store.get(flipped), undefined);
    t.deepEqual(store.commit(flipped, undefined, {}), { status: 'gone' });
    t.false(store.destroy(flipped));
    if (bit % 8 === 0) {
      const { body } = await request(url, { headers: { cookie: `id=${flipped}` } });
      t.is(body, '["Guest",{}]');
    }
  }
  t.deepEqual(store.get(id)?.data, { n: 1 });
  t.is((await request(url, { headers: { cookie: `id=${id}` } })).body, '["ann",{"n":1}]');
});

test('S09 the only comparison of the hash of a secret is the constant-time one of the crate subtle', (t) => {
  const source = readFileSync(new URL('../../crate/core/src/model/id.rs', import.meta.url), 'utf8');
  const [, derives] = /#\[derive\(([^)]*)\)\]\npub struct SecretHash\(/.exec(source)!;
  t.false(/Eq|Ord|Hash/.test(derives!), 'it has no ==');
  t.false(/impl (Partial)?(Eq|Ord) for SecretHash/.test(source));
  const [, matches] = /impl SecretHash \{[\s\S]*?pub fn matches\(self, other: Self\) -> bool \{([\s\S]*?)\n {4}\}/.exec(
    source,
  )!;
  t.regex(source, /^use subtle::ConstantTimeEq;$/m);
  t.regex(matches!, /\.ct_eq\(&/);
  t.notRegex(matches!, /==|!=/);
});
