/** The keys of a session's data: a request reads, changes and writes those that it touches, and leaves the others to others. */
import { cpSync } from 'node:fs';
import { inspect } from 'node:util';
import * as fc from 'fast-check';
import test, { type ExecutionContext } from 'ava';
import { SessionManager, SessionStore, type Concurrency, type Session, type SessionBackend } from 'agai-session';
import { filesBelow, freshPath, openStore, reopen } from '../helpers/durable.js';
import { deferred } from '../helpers/http.js';
import { remoteBackend } from '../helpers/remote-backend.js';

type Data = Record<string, unknown>;

const json = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

function open(backend?: (inner: SessionBackend) => SessionBackend, concurrency: Concurrency = 'merge') {
  const store = new SessionStore<Data>();
  const manager = new SessionManager<Data>({ store: backend ? backend(store.backend) : store, concurrency });
  const load = async (id: string): Promise<Session<Data>> => (await manager.load(id))!;
  return { store, manager, load };
}

test('get parses a key once, and hands out the same object again; what is changed in it is stored', async (t) => {
  const { store, load } = open();
  const { id } = store.create({ cart: ['pear'], user: { name: 'ann' }, n: 1 });
  const session = await load(id);
  const cart = session.get('cart') as string[];
  t.is(session.get('cart'), cart);
  cart.push('apple');
  t.is(session.get('n'), 1);
  t.is(session.get('missing'), undefined);
  await session.save();
  t.deepEqual(store.get(id)!.data, { cart: ['pear', 'apple'], user: { name: 'ann' }, n: 1 });
  t.is(store.get(id)!.version, 2);
  await session.save();
  t.is(store.get(id)!.version, 2, 'nothing changed since');
});

test('get returns any value as JSON.parse would, also short ones, which are not parsed by it', async (t) => {
  const { store, load } = open();
  const some = [
    0,
    7,
    10,
    -0,
    -3,
    1.5,
    1e21,
    1e-7,
    123_456_789_012_345,
    1_234_567_890_123_456,
    true,
    false,
    null,
    '',
    '7',
    'true',
  ];
  const values = [...some, ...fc.sample(fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.double(), fc.jsonValue()), 500)];
  for (const value of values.map(json)) {
    const { id } = store.create({ value });
    t.deepEqual((await load(id)).get('value'), value);
  }
  for (const text of ['01', '0x10', '1_000', '1e', 'True', '٣']) {
    const broken = open((inner) => ({
      ...remoteBackend(inner),
      load: async (id) => ({
        ...facts,
        id,
        handle: id.slice(0, 16),
        uid: undefined,
        form: '',
        data: `{"value":${text}}`,
      }),
    }));
    t.falsy(await broken.load('A'.repeat(43)), text);
  }
});

test('set, has, delete, keys and update', async (t) => {
  const { store, load } = open();
  const { id } = store.create({ a: 1, b: 2 });
  const session = await load(id);
  t.is(session.set('c', 3), session);
  t.is(
    session.update('n', (n = 0) => (n as number) + 1),
    1,
  );
  t.true(session.delete('a'));
  t.false(session.delete('a'));
  t.false(session.delete('never'));
  session.set('b', undefined);
  t.deepEqual(session.keys(), ['c', 'n']);
  t.deepEqual(
    ['a', 'b', 'c', 'n', 'toString'].map((key) => session.has(key)),
    [false, false, true, true, false],
  );
  session.update('list', () => [1]);
  t.deepEqual(
    session.update('list', (list) => void (list as number[]).push(2)),
    [1, 2],
  );
  await session.save();
  t.deepEqual(store.get(id)!.data, { c: 3, n: 1, list: [1, 2] });
});

// Each key was looked for from the beginning of the text: 64 KiB of keys took seconds.
test('thousands of keys, each read, set and listed', async (t) => {
  const { store, load } = open();
  const many = Object.fromEntries(Array.from({ length: 4_000 }, (_, n) => [`k${n}`, n]));
  const { id } = store.create(many);
  const took = async (work: (session: Session<Data>) => void): Promise<number> => {
    const session = await load(id);
    const start = performance.now();
    work(session);
    await session.save();
    return performance.now() - start;
  };
  const ways: [string, (session: Session<Data>) => void, (n: number) => number][] = [
    ['set', (session) => session.keys().forEach((key, n) => session.set(key, n + 1)), (n) => n + 1],
    ['data', (session) => (session.data = json(many)), (n) => n],
    ['in place', ({ data }) => Object.keys(data).forEach((key, n) => (data[key] = n + 2)), (n) => n + 2],
    ['both', (session) => session.keys().forEach((key, n) => session.set(key, n) && session.data), (n) => n],
  ];
  for (const [name, work, expected] of ways) {
    const ms = await took(work);
    t.log(`${name}: ${ms.toFixed(0)} ms`);
    t.deepEqual(store.get(id)!.data, Object.fromEntries(Object.keys(many).map((key, n) => [key, expected(n)])), name);
  }
});

test('reading alone, and setting what is there, write nothing', async (t) => {
  const { store, load } = open();
  const { id } = store.create({ a: 1, b: { c: [2] }, s: 'x' });
  const session = await load(id);
  for (const key of session.keys()) session.get(key);
  session
    .set('a', 1)
    .set('b', { c: [2] })
    .set('s', 'x');
  session.set('new', 1);
  session.delete('new');
  await session.save();
  t.is(store.get(id)!.version, 1);
});

test('data and keys are the same values, whichever is looked at first', async (t) => {
  const { store, load } = open();
  const { id } = store.create({ cart: ['pear'], n: 1, old: true });
  const session = await load(id);
  const cart = session.get('cart') as string[];
  session.set('n', 2).set('added', { x: 1 });
  session.delete('old');
  const { data } = session;
  t.deepEqual(data, { cart: ['pear'], n: 2, added: { x: 1 } });
  t.is(data['cart'], cart);
  (data['cart'] as string[]).push('apple');
  data['n'] = 3;
  t.deepEqual([session.get('cart'), session.get('n')], [['pear', 'apple'], 3]);
  session.set('n', 4);
  t.is(data['n'], 4);
  session.delete('added');
  t.deepEqual(Object.keys(data), ['cart', 'n']);
  await session.save();
  t.deepEqual(store.get(id)!.data, { cart: ['pear', 'apple'], n: 4 });
  session.data = { fresh: 1 };
  t.deepEqual([session.keys(), session.get('n')], [['fresh'], undefined]);
  await session.save();
  t.deepEqual(store.get(id)!.data, { fresh: 1 });
});

test('data stays a plain object in every way, also after keys were used', async (t) => {
  const { store, load } = open();
  const plain = { b: { deep: [1] }, a: 'x', big: 'y'.repeat(5_000) };
  const session = await load(store.create(plain).id);
  session.get('b');
  const { data } = session;
  t.deepEqual(Object.keys(data), Object.keys(plain));
  t.deepEqual({ ...data }, plain);
  t.is(JSON.stringify(data), JSON.stringify(plain));
  t.deepEqual(structuredClone(data), plain);
  t.is(inspect(data), inspect(plain));
  t.deepEqual(Object.getOwnPropertyDescriptors(data), Object.getOwnPropertyDescriptors(plain));
  t.is(Object.getPrototypeOf(data), Object.prototype);
});

const remote = (inner: SessionBackend): SessionBackend => remoteBackend(inner);

const stores: Record<string, (t: ExecutionContext) => Promise<[SessionBackend, () => unknown]>> = {
  'in memory': async () => memory(),
  'over promises': async () => {
    const [backend, close] = memory();
    return [remoteBackend(backend), close];
  },
  'on disk': async (t) => {
    const store = await openStore(t);
    return [store.backend, () => store.close()];
  },
};

function memory(): [SessionBackend, () => void] {
  const store = new SessionStore();
  return [store.backend, () => store.close()];
}

/** A backend whose writes are counted. */
function counted(backend: SessionBackend, count: () => void): SessionBackend {
  return new Proxy(backend, {
    get(target, name: keyof SessionBackend) {
      const value: unknown = target[name];
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        if (name === 'commit' || name === 'regenerate') count();
        return (value as (...args: unknown[]) => unknown).apply(target, args);
      };
    },
  });
}

for (const [where, openBackend] of Object.entries(stores)) {
  test(`${where}: two requests change a key each, in a thousand interleavings: both are kept, and no call is repeated`, async (t) => {
    const [backend, close] = await openBackend(t);
    let calls = 0;
    const manager = new SessionManager<Data>({ store: counted(backend, () => (calls += 1)) });
    const run = fc.asyncProperty(fc.scheduler(), fc.boolean(), fc.boolean(), async (s, whole, renews) => {
      const { id } = await backend.create({ data: '{"base":1}' });
      calls = 0;
      let last = id;
      const change = async (key: string): Promise<string | undefined> => {
        const session = (await manager.load(id))!;
        await s.schedule(Promise.resolve(), `${key} has loaded`);
        if (whole) session.data[key] = key;
        else session.set(key, key);
        if (renews && key === 'b') void session.regenerate();
        try {
          await session.save();
        } catch (error) {
          return (error as { code?: string }).code;
        }
        if (session.id !== id) last = session.id!;
        return undefined;
      };
      const [a, b] = await s.waitFor(Promise.all([change('a'), change('b')]));
      const stored = (await backend.load(last, false))!;
      await backend.destroy(stored.handle, 'destroy');
      // Who comes with an id that a renewal has made void writes nothing, and is told so.
      const expected = a === undefined ? { base: 1, a: 'a', b: 'b' } : { base: 1, b: 'b' };
      t.deepEqual(JSON.parse(stored.data), expected);
      return b === undefined && calls === 2 && (a === undefined || (renews && a === 'ERR_SESSION_GONE'));
    });
    await fc.assert(run, { numRuns: 1_000 });
    await close();
  });
}

test('two requests each keep their key in the mode merge; strict fails, and last-write-wins replaces all', async (t) => {
  const expected: Record<Concurrency, Data> = {
    merge: { a: 1, b: 1, c: 0 },
    strict: { a: 1, b: 0, c: 0 },
    'last-write-wins': { a: 0, b: 1, c: 0 },
  };
  for (const backend of [undefined, remote]) {
    for (const mode of Object.keys(expected) as Concurrency[]) {
      const { store, load } = open(backend, mode);
      const { id } = store.create({ a: 0, b: 0, c: 0 });
      const [first, second] = [await load(id), await load(id)];
      first.set('a', 1);
      second.set('b', 1);
      await first.save();
      if (mode === 'strict') await t.throwsAsync(async () => second.save(), { code: 'ERR_SESSION_CONFLICT' });
      else await second.save();
      t.deepEqual(store.get(id)!.data, expected[mode], mode);
    }
  }
});

test('a login keeps what other requests write meanwhile, and another user’s login keeps nothing', async (t) => {
  for (const backend of [undefined, remote]) {
    const { store, load } = open(backend);
    const { id } = store.create({ cart: ['pear'] });
    const [login, other] = [await load(id), await load(id)];
    other.set('seen', true);
    await other.save();
    login.set('name', 'Ann');
    login.login('ann');
    await login.save();
    t.deepEqual(store.get(login.id!)!.data, { cart: ['pear'], seen: true, name: 'Ann' });
    const bob = await load(login.id!);
    bob.login('bob');
    bob.set('name', 'Ann');
    await bob.save();
    t.deepEqual([store.get(bob.id!)!.uid, store.get(bob.id!)!.data], ['bob', { name: 'Ann' }]);
  }
});

// ---- Data that is not plain.

class Cart {
  total(): number {
    return 0;
  }
}

class Price {
  constructor(readonly cents: number) {}
  toJSON(): string {
    return `${this.cents} cents`;
  }
}

const odd: Record<string, (data: Data) => Data> = {
  frozen: (data) => Object.freeze({ ...data, mine: Object.freeze({ x: 1 }) }),
  sealed: (data) => Object.seal({ ...data, mine: { x: 1 } }),
  'with read-only properties': (data) => Object.defineProperty({ ...data, mine: { x: 1 } }, 'a', { writable: false }),
  'a proxy': (data) => new Proxy({ ...data, mine: { x: 1 } }, {}),
  'without a prototype': (data) => Object.assign(Object.create(null) as Data, data, { mine: { x: 1 } }),
  'an object of a class': (data) => Object.assign(new Cart(), data, { mine: { x: 1 } }),
  'with a toJSON': (data) => ({ toJSON: () => ({ ...data, mine: { x: 1 } }) }),
  'with getters': (data) => ({
    ...data,
    get mine() {
      return { x: 1 };
    },
  }),
};

for (const [name, make] of Object.entries(odd)) {
  test(`data that is ${name}: it is stored as JSON has it, and what another request wrote meanwhile is kept`, async (t) => {
    for (const backend of [undefined, remote]) {
      const { store, load } = open(backend);
      const { id } = store.create({ a: 1, b: 1 });
      const [session, other] = [await load(id), await load(id)];
      session.data = make(session.data);
      other.set('b', 2).set('theirs', true);
      await other.save();
      await session.save();
      t.deepEqual(store.get(id)!.data, { a: 1, b: 2, theirs: true, mine: { x: 1 } });
      session.set('a', 3);
      await session.save();
      t.deepEqual(store.get(id)!.data, { a: 3, b: 2, theirs: true, mine: { x: 1 } });
    }
  });
}

test('values that are not plain: dates, classes, and parts that are held after a write', async (t) => {
  const { store, load } = open();
  const { id } = store.create({});
  const session = await load(id);
  const held = { list: [1] };
  session.set('at', new Date(0)).set('price', new Price(5)).set('held', held);
  await session.save();
  t.deepEqual(store.get(id)!.data, { at: '1970-01-01T00:00:00.000Z', price: '5 cents', held: { list: [1] } });
  const other = await load(id);
  other.set('theirs', 1);
  await other.save();
  held.list.push(2);
  (session.get('at') as Date).setTime(1_000);
  await session.save();
  t.deepEqual(store.get(id)!.data, {
    at: '1970-01-01T00:00:01.000Z',
    price: '5 cents',
    held: { list: [1, 2] },
    theirs: 1,
  });
});

// ---- Bad input.

test('what JSON has nothing for is refused, and nothing changed', async (t) => {
  const { store, load } = open();
  const { id } = store.create({ a: 1 });
  const cycle: Data = {};
  cycle['self'] = cycle;
  for (const value of [() => 1, Symbol('x'), 5n]) {
    const session = await load(id);
    t.throws(() => session.set('a', value), { code: 'ERR_SESSION_DATA' });
    t.is(session.get('a'), 1);
    await session.save();
    t.throws(() => store.setKeys(id, { a: value }), { code: 'ERR_SESSION_DATA' });
  }
  for (const value of [cycle, { n: 5n }, { toJSON: () => t.fail.bind(undefined)() as never }].slice(0, 2)) {
    const session = await load(id);
    session.set('a', value).set('b', 2);
    t.throws(() => session.save(), { code: 'ERR_SESSION_DATA' });
    t.throws(() => store.setKeys(id, { a: value, b: 2 }), { code: 'ERR_SESSION_DATA' });
  }
  t.deepEqual([store.get(id)!.data, store.get(id)!.version], [{ a: 1 }, 1]);
});

test('a key is a string', async (t) => {
  const { store, load } = open();
  const session = await load(store.create({ 1: 'one' }).id);
  for (const key of [1, Symbol('x'), undefined, null, {}] as never[]) {
    for (const call of [session.get, session.set, session.has, session.delete, session.update]) {
      t.throws(() => (call as (...args: unknown[]) => unknown).call(session, key, () => 1), { instanceOf: TypeError });
    }
    t.throws(() => store.getKey('x'.repeat(43), key), { instanceOf: TypeError, message: /key/ });
  }
  t.throws(() => session.update('n', 1 as never), { instanceOf: TypeError, message: /function/ });
  t.throws(() => session.update('n', (async () => 1) as never), { instanceOf: TypeError, message: /promise/ });
});

test('changed keys that would exceed maxSessionBytes are refused, and nothing is lost', async (t) => {
  const store = new SessionStore<Data>({ maxSessionBytes: 100 });
  const manager = new SessionManager<Data>({ store });
  const { id } = store.create({ a: 'x'.repeat(60) });
  const session = manager.load(id) as Session<Data>;
  session.set('b', 'y'.repeat(60));
  t.throws(() => session.save(), { code: 'ERR_SESSION_TOO_LARGE' });
  t.throws(() => store.setKeys(id, { b: 'y'.repeat(60) }), { code: 'ERR_SESSION_TOO_LARGE' });
  t.deepEqual([store.get(id)!.data, store.get(id)!.version], [{ a: 'x'.repeat(60) }, 1]);
  session.delete('a');
  await session.save();
  t.deepEqual(store.get(id)!.data, { b: 'y'.repeat(60) });
});

test('a key of 64 KiB is a key like any other', async (t) => {
  const store = new SessionStore<Data>({ maxSessionBytes: '1MiB' });
  const long = 'k'.repeat(65_536);
  const { id } = store.create({ a: 1 });
  const session = (await new SessionManager<Data>({ store }).load(id))!;
  session.set(long, 1).set(`${long}k`, 2);
  await session.save();
  t.deepEqual([store.getKey(id, long), store.getKey(id, `${long}k`), store.getKey(id, 'a')], [1, 2, 1]);
  t.true(store.setKeys(id, { [long]: undefined }));
  t.deepEqual(Object.keys(store.get(id)!.data), ['a', `${long}k`]);
});

test('a text that JSON.stringify would not write is refused by a store, and nothing is stored', (t) => {
  const { store } = open();
  const { backend } = store;
  const { id } = store.create({ a: 1 });
  const texts = ['', '[]', 'null', '{"a":1,"a":2}', '{ "a":1}', '{"a":1', '{"\\u0061":1}', '{"a":1}{}', '{3}', '{a:1}'];
  for (const data of texts) {
    t.throws(() => backend.create({ data }), { code: 'ERR_SESSION_DATA', message: /JSON\.stringify/ }, data);
    t.throws(() => backend.commit(id, undefined, { data }), { code: 'ERR_SESSION_DATA' }, data);
  }
  t.throws(() => backend.commit(id, undefined, { keys: [['a', '1,"b":2,"b":3']] }), { code: 'ERR_SESSION_DATA' });
  t.deepEqual([store.size, store.get(id)!.data, store.get(id)!.version], [1, { a: 1 }, 1]);
});

test('after destroy, keys are gone', async (t) => {
  const { store, load } = open();
  const session = await load(store.create({ a: 1 }).id);
  await session.destroy();
  for (const use of [() => session.get('a'), () => session.set('a', 1), () => session.keys()]) {
    t.throws(use, { code: 'ERR_SESSION_GONE' });
  }
});

test('a backend’s text that JSON.stringify did not write is read like any other', async (t) => {
  const texts = ['{ "a" : 1 , "b" : [ 1 ] }', '{"a":0,"b":[1],"a":1}', '{"\\u0061":1,"b":[1]}', '\n{"a":1,"b":[1]}\n'];
  for (const text of texts) {
    const { load } = open((inner) => ({
      ...remoteBackend(inner),
      load: async () => ({
        ...facts,
        id: 'A'.repeat(43),
        handle: 'A'.repeat(16),
        uid: undefined,
        form: '',
        data: text,
      }),
    }));
    const session = await load('A'.repeat(43));
    t.deepEqual([session.get('a'), session.get('b'), session.keys()], [1, [1], ['a', 'b']], text);
    t.deepEqual(session.data, { a: 1, b: [1] });
  }
});

const facts = {
  version: 1,
  createdAt: 0,
  lastSeenAt: 0,
  idleTimeout: Infinity,
  absoluteDeadline: Infinity,
  authenticatedAt: 0,
  epoch: 0,
  level: 0,
  remembered: false,
  methods: [],
};

// ---- The store.

test('store.getKey and setKeys', (t) => {
  const { store } = open();
  const { id } = store.create({ a: 1, b: { c: 2 }, 'ключ "x"': 3 });
  t.deepEqual(
    ['a', 'b', 'ключ "x"', 'd', '__proto__'].map((key) => store.getKey(id, key)),
    [1, { c: 2 }, 3, undefined, undefined],
  );
  t.true(store.setKeys(id, { a: 5, b: undefined, d: [1] }));
  t.deepEqual([store.get(id)!.data, store.get(id)!.version], [{ a: 5, 'ключ "x"': 3, d: [1] }, 2]);
  store.destroy(id);
  t.is(store.getKey(id, 'a'), undefined);
  t.false(store.setKeys(id, { a: 1 }));
  t.throws(() => store.setKeys(id, [] as never), { instanceOf: TypeError });
});

// ---- A plain object as the oracle.

const key = fc.oneof(
  fc.constantFrom('a', 'b', '', '__proto__', 'constructor', 'toJSON', '0', '17', 'é', '漢字', 'q"\\\n', '\ud800'),
  fc.constant('k'.repeat(3_000)),
);
const value = fc.oneof(
  fc.integer(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(null, true, 0.1, 1e21, '}', '{"a":1}', '"a":1,', '漢'),
  fc.object({ maxDepth: 2 }).map(json),
  fc.array(fc.integer(), { maxLength: 3 }),
);
type Step =
  | { readonly do: 'set'; readonly key: string; readonly value: unknown }
  | { readonly do: 'delete' | 'get' | 'grow'; readonly key: string }
  | { readonly do: 'data'; readonly key: string; readonly value: unknown }
  | { readonly do: 'save' | 'reload' | 'replace' | 'anew' };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('set' as const), key, value }),
  fc.record({ do: fc.constantFrom('delete' as const, 'get' as const, 'grow' as const), key }),
  fc.record({ do: fc.constant('data' as const), key, value }),
  fc.record({ do: fc.constantFrom('save' as const, 'reload' as const, 'replace' as const, 'anew' as const) }),
);

function define(data: object, key: string, value: unknown): void {
  Object.defineProperty(data, key, { value, writable: true, enumerable: true, configurable: true });
}

/** Puts something into a value in place, if it is an object. */
function grow(value: unknown): void {
  if (Array.isArray(value)) value.push('grown');
  else if (typeof value === 'object' && value !== null) define(value, 'grown', [1]);
}

for (const [over, backend] of Object.entries({ 'in memory': undefined, 'over promises': remote })) {
  test(`${over}: any sequence of calls leaves what a plain object would have through JSON`, async (t) => {
    const property = fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const { store, load } = open(backend);
      const { id } = store.create({ a: { x: 1 }, b: [1], 漢字: 'x' });
      let stored = json(store.get(id)!.data);
      let plain = json(stored);
      let session = await load(id);
      for (const step of steps) {
        switch (step.do) {
          case 'set':
            session.set(step.key, json(step.value));
            define(plain, step.key, json(step.value));
            break;
          case 'delete':
            t.is(session.delete(step.key), Object.hasOwn(plain, step.key));
            delete plain[step.key];
            break;
          case 'get':
            t.deepEqual(session.get(step.key), Object.hasOwn(plain, step.key) ? plain[step.key] : undefined);
            t.is(session.has(step.key), Object.hasOwn(plain, step.key));
            break;
          case 'grow':
            grow(session.get(step.key));
            if (Object.hasOwn(plain, step.key)) grow(plain[step.key]);
            break;
          case 'data':
            define(session.data, step.key, json(step.value));
            define(plain, step.key, json(step.value));
            break;
          case 'replace':
            session.data = json(plain);
            break;
          case 'save':
            await session.save();
            stored = json(plain);
            break;
          case 'reload':
            await session.reload();
            plain = json(stored);
            break;
          case 'anew':
            await session.save();
            stored = json(plain);
            session = await load(id);
            break;
        }
        t.deepEqual(session.keys().toSorted(), Object.keys(plain).toSorted());
      }
      await session.save();
      t.deepEqual(store.get(id)!.data, json(plain));
      t.deepEqual(session.data, json(plain));
      for (const key of Object.keys(plain)) t.deepEqual(store.getKey(id, key), json(plain)[key]);
      store.close();
    });
    await fc.assert(property, { numRuns: 300 });
  });
}

test('on disk: what was written key by key is there after each opening, and a crash leaves no half of it', async (t) => {
  let store = await openStore(t, { durability: 'os' });
  const { id } = await store.create({ list: [], n: 0, 漢字: 'x' });
  const plain: Data = { list: [], n: 0, 漢字: 'x' };
  for (let round = 0; round < 5; round += 1) {
    const session = (await new SessionManager<Data>({ store }).load(id))!;
    (session.get('list') as number[]).push(round);
    session.update('n', (n) => (n as number) + 1);
    session.set(`k${round}`, { deep: ['é', round] });
    session.delete(`k${round - 2}`);
    await session.save();
    (plain['list'] as number[]).push(round);
    plain['n'] = round + 1;
    plain[`k${round}`] = { deep: ['é', round] };
    delete plain[`k${round - 2}`];
    await store.setKeys(id, { last: round });
    plain['last'] = round;
    // A copy of the files is what a killed process leaves.
    const path = freshPath(t);
    await store.flush();
    cpSync(store.path, path, { recursive: true });
    const copy = await openStore(t, { path });
    t.deepEqual(copy.get(id)!.data, plain);
    t.is(copy.get(id)!.version, store.get(id)!.version);
    store = await reopen(t, store);
    t.deepEqual(store.get(id)!.data, plain);
  }
});

test('on disk: one number of a session of 10 KB takes less than 200 bytes of the log', async (t) => {
  const store = await openStore(t);
  const { id } = await store.create({ n: 0, text: 'x'.repeat(10_000) });
  await store.flush();
  const size = (): number =>
    filesBelow(store.path)
      .filter(({ name }) => name.includes('log-'))
      .reduce((sum, { bytes }) => sum + bytes.length, 0);
  const before = size();
  await store.setKeys(id, { n: 1 });
  await store.flush();
  const took = size() - before;
  t.true(took > 0 && took <= 200, `it took ${took}`);
  const session = (await new SessionManager<Data>({ store }).load(id))!;
  session.data['n'] = 2;
  await session.save();
  await store.flush();
  t.true(size() - before <= 400, 'also through data');
});

test('beside others that change their own keys, nothing of either is lost', async (t) => {
  for (const backend of [undefined, remote]) {
    const { store, load } = open(backend);
    const { id } = store.create({});
    const gate = deferred();
    const work = Array.from({ length: 20 }, async (_, n) => {
      const session = await load(id);
      await gate.promise;
      for (let round = 0; round < 5; round += 1) {
        if (n % 2 === 0) session.set(`k${n}`, round);
        else session.data[`k${n}`] = round;
        await session.save();
      }
    });
    gate.resolve();
    await Promise.all(work);
    t.deepEqual(store.get(id)!.data, Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`k${n}`, 4])));
    t.is(store.get(id)!.version, 101);
  }
});
