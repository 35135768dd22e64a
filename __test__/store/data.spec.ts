/** Data that cannot be stored is refused and leaves what is stored; data that can comes back as it was. */
import { SessionError, SessionStore } from 'agai-session';
import { ManualClock } from 'agai-session/testing';
import test from 'ava';

// oxlint-disable-next-line typescript/no-explicit-any -- what JavaScript callers pass
type Anything = any;

function open(options: { maxSessionBytes?: number } = {}): SessionStore {
  return new SessionStore({ clock: new ManualClock(0), ...options });
}

const circular: Record<string, unknown> = { a: 1 };
circular['self'] = circular;

const refused: [string, Anything][] = [
  ['undefined', undefined],
  ['null', null],
  ['a string', 'text'],
  ['a number', 7],
  ['NaN', NaN],
  ['a boolean', true],
  ['a symbol', Symbol('s')],
  ['a BigInt', 7n],
  ['a function', () => ({})],
  ['an array', [1, 2]],
  ['a Date', new Date(0)],
  ['a boxed string', Object('text')],
  ['something circular', circular],
  ['something that holds a BigInt', { deep: [{ n: 1n }] }],
  ['a toJSON that throws', { toJSON: fail }],
  ['a deep toJSON that throws', { deep: { toJSON: fail } }],
  [
    'a getter that throws',
    {
      get a() {
        return fail();
      },
    },
  ],
  ['a toJSON that answers an array', { toJSON: () => [1] }],
  ['a toJSON that answers nothing', { toJSON: () => undefined }],
  ['a toJSON that answers null', { toJSON: () => null }],
  ['a proxy that refuses', new Proxy({}, { ownKeys: fail })],
];

function fail(): never {
  throw new RangeError('not me');
}

for (const [what, data] of refused) {
  test(`${what} is refused, and the stored data is unchanged`, (t) => {
    const store = open();
    const expectation = { instanceOf: SessionError, code: 'ERR_SESSION_DATA' };
    t.throws(() => store.create(data), expectation);
    t.is(store.size, 0);
    const { id } = store.create({ kept: 1 });
    t.throws(() => store.commit(id, 1, data), expectation);
    t.throws(() => store.commit(id, undefined, data), expectation);
    // `undefined` and `null` answered by the function of an update stand for the data that it was given.
    if (data != null) t.throws(() => store.update(id, () => data), expectation);
    t.deepEqual(store.get(id)?.data, { kept: 1 });
    t.is(store.get(id)?.version, 1);
    t.is(store.size, 1);
  });
}

test('the error names the cause', (t) => {
  const store = open();
  const error = t.throws(() => store.create({ toJSON: fail }), { code: 'ERR_SESSION_DATA', message: /not me/ });
  t.true(error?.cause instanceof RangeError);
  t.is(error?.name, 'SessionError');
});

// The text of the error was taken from what was thrown, which need not be an error.
test('a toJSON that throws something other than an Error is refused too', (t) => {
  const store = open();
  for (const thrown of [undefined, null, 'text', 7]) {
    const data = {
      toJSON() {
        throw thrown;
      },
    };
    t.throws(() => store.create(data), { instanceOf: SessionError, code: 'ERR_SESSION_DATA' }, String(thrown));
  }
});

test('data larger than maxSessionBytes is refused, and the stored data is unchanged', (t) => {
  const store = open({ maxSessionBytes: 1_000 });
  const textOf = (length: number): string => 'x'.repeat(length - '{"a":""}'.length);
  const expectation = { instanceOf: SessionError, code: 'ERR_SESSION_TOO_LARGE', message: /1000/ };
  const { id } = store.create({ a: textOf(1_000) });
  t.throws(() => store.create({ a: textOf(1_001) }), expectation);
  t.throws(() => store.commit(id, 1, { a: textOf(1_001) }), expectation);
  t.throws(() => store.update(id, () => ({ a: textOf(50_000_000) })), expectation);
  t.is(store.get(id)?.version, 1);
  t.is(store.get(id)?.data['a'], textOf(1_000));
  t.is(store.size, 1);
});

test('one character outside latin1 doubles the size of the whole text', (t) => {
  const store = open({ maxSessionBytes: 1_000 });
  const { id } = store.create({ a: 'é'.repeat(900) });
  t.throws(() => store.commit(id, 1, { a: `${'x'.repeat(500)}漢` }), { code: 'ERR_SESSION_TOO_LARGE' });
  t.is(store.get(id)?.data['a'], 'é'.repeat(900));
  t.is(store.commit(id, 1, { a: `${'x'.repeat(400)}漢` }).status, 'ok');
});

test('every text is read back unchanged', (t) => {
  const store = open();
  const texts = [
    '',
    'é',
    'ÿĀ',
    '漢字',
    '👩‍👩‍👧',
    '\ud800',
    'a\udc00\ud800z',
    '\0\n\u2028"\\',
    'ж'.repeat(3_000),
    'x'.repeat(9_000),
  ];
  for (const text of texts) {
    const data = { [text]: text, list: [text, { text }] };
    const { id } = store.create(data);
    t.deepEqual(store.get(id)?.data, data);
    store.commit(id, 1, {});
    store.commit(id, 2, data);
    t.deepEqual(store.get(id)?.data, data);
  }
});

test('values that JSON omits or converts are stored as JSON represents them', (t) => {
  const store = open();
  const data = {
    a: undefined,
    f: () => 1,
    d: new Date(0),
    n: NaN,
    z: -0,
    list: [undefined],
    deep: { m: new Map([[1, 2]]) },
  };
  const { id, data: answered } = store.create(data);
  const expected = { d: '1970-01-01T00:00:00.000Z', n: null, z: 0, list: [null], deep: { m: {} } };
  t.deepEqual(answered, expected, 'create answers it as it will be read');
  t.deepEqual(store.get(id)?.data, expected);
});

test('objects without a prototype, of classes or with toJSON are stored as JSON represents them', (t) => {
  const store = open();
  const bare: Record<string, unknown> = Object.create(null);
  bare['a'] = 1;
  class Cart {
    items = [1];
    total(): number {
      return 1;
    }
  }
  t.deepEqual(store.create(bare).data, { a: 1 });
  t.deepEqual(store.create({ cart: new Cart() }).data, { cart: { items: [1] } });
  t.deepEqual(store.create({ toJSON: () => ({ b: 2 }) }).data, { b: 2 });
});

test('user ids of 1 to 255 characters are stored, others are refused', (t) => {
  const store = open();
  for (const uid of ['a', 'guest', 'é', 'Жанна', '🎉', '__proto__', ' ', 'ж'.repeat(255)]) {
    const { id } = store.create({}, { uid });
    t.is(store.get(id)?.uid, uid);
    t.is(store.regenerate(store.create({}).id, { uid })?.uid, uid);
  }
  const { id } = store.create({});
  const count = store.size;
  for (const uid of ['', 'Guest', 'x'.repeat(256), '漢'.repeat(100_000)]) {
    t.throws(() => store.create({}, { uid }), { instanceOf: SessionError, code: 'ERR_SESSION_UID' });
    t.throws(() => store.regenerate(id, { uid }), { instanceOf: SessionError, code: 'ERR_SESSION_UID' });
  }
  for (const uid of [null, 7, {}, [], Symbol('u'), true] as Anything[]) {
    t.throws(() => store.create({}, { uid }), { instanceOf: TypeError });
    t.throws(() => store.regenerate(id, { uid }), { instanceOf: TypeError });
  }
  t.true(store.has(id));
  t.is(store.size, count);
});
