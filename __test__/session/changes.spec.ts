/** Data that was looked at is written if its JSON is another than before, and only then. */
import test from 'ava';
import * as fc from 'fast-check';
import { SessionManager, SessionStore } from 'agai-session';

type Data = Record<string, unknown>;

const store = new SessionStore();
const manager = new SessionManager<Data>({ store });

/** Stores `data`, has another request look at it and change it, and answers the version and the text after that. */
function written(data: Data, change: (data: Data) => void): { version: number; text: string; expected: string } {
  const { id } = store.create(data);
  const session = manager.load(id) as ReturnType<typeof manager.create>;
  change(session.data);
  void session.save();
  const expected = textOf(session.data);
  const { version, data: kept } = store.get(id)!;
  store.destroy(id);
  return { version, text: textOf(kept), expected };
}

/** The JSON text of data with its keys in order, for it is the only order that is not kept. */
function textOf(data: Data): string {
  const ordered: Data = {};
  for (const key of Object.keys(data).toSorted()) define(ordered, key, data[key]);
  return JSON.stringify(ordered);
}

/** Every object and array in a value, the outermost first. */
function containers(value: unknown): (Data | unknown[])[] {
  if (typeof value !== 'object' || value === null) return [];
  return [value as Data, ...Object.values(value).flatMap(containers)];
}

const key = fc.constantFrom('a', 'b', '__proto__', 'toJSON', 'length', '0', '1');
const { value: json } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.string(),
      fc.boolean(),
      fc.constant(null),
    ),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4 }),
  ),
}));
/** As it is after a `JSON.parse`: no `-0`, integer keys first. */
const data = fc.dictionary(key, json, { maxKeys: 4 }).map((data) => JSON.parse(JSON.stringify(data)) as Data);

function define(container: Data | unknown[], key: string, value: unknown): void {
  Object.defineProperty(container, key, { value, writable: true, enumerable: true, configurable: true });
}

/** What a handler may do to an object or an array somewhere in its data. */
const changes: Record<string, (container: Data | unknown[], key: string, value: unknown) => void> = {
  nothing() {},
  set: (container, key, value) =>
    Array.isArray(container) ? container.splice(0, 1, value) : define(container, key, value),
  add: (container, key, value) =>
    Array.isArray(container) ? container.push(value) : define(container, key + key, value),
  remove: (container, key) => (Array.isArray(container) ? container.shift() : delete container[key]),
  rename(container, key) {
    if (Array.isArray(container) || !Object.hasOwn(container, key)) return;
    const value = container[key];
    delete container[key];
    define(container, `${key}2`, value);
  },
  reorder(container, key) {
    if (Array.isArray(container)) {
      container.reverse();
    } else if (Object.hasOwn(container, key)) {
      const value = container[key];
      delete container[key];
      define(container, key, value);
    }
  },
  copy(container) {
    for (const [key, value] of Object.entries(container)) define(container, key, structuredClone(value));
  },
  hide(container, key) {
    if (Object.hasOwn(container, key) && key !== 'length') Object.defineProperty(container, key, { enumerable: false });
  },
  undefine: (container, key) =>
    Array.isArray(container) ? container.push(undefined) : define(container, key, undefined),
};

for (const [name, change] of Object.entries(changes)) {
  test(`any data, ${name} anywhere in it: its JSON is stored, and written only if it changed`, (t) => {
    const property = fc.property(data, fc.nat(), key, json, (data, at, key, value) => {
      const before = textOf(data);
      const { version, text, expected } = written(data, (data) => {
        const all = containers(data);
        change(all[at % all.length]!, key, value);
      });
      t.is(text, expected);
      t.is(version, text === before ? 1 : 2);
    });
    fc.assert(property, { numRuns: 1_000 });
  });
}

test('a change in the innermost of a thousand nested objects is found', (t) => {
  const nest = (levels: number): Data => (levels === 0 ? { n: 0 } : { in: nest(levels - 1) });
  const bottom = (data: Data): Data => (data['in'] === undefined ? data : bottom(data['in'] as Data));
  const untouched = written(nest(1_000), (data) => void bottom(data));
  t.is(untouched.version, 1);
  const touched = written(nest(1_000), (data) => (bottom(data)['n'] = 1));
  t.is(touched.version, 2);
  t.is(touched.text, touched.expected);
});

test('data that was replaced by an equal object is not written', (t) => {
  const { id } = store.create({ a: [1, { b: 2 }] });
  const session = manager.load(id) as ReturnType<typeof manager.create>;
  session.data = { a: [1, { b: 2 }] };
  void session.save();
  t.is(store.get(id)!.version, 1);
});

test('an object that was replaced by one with the same fields but another JSON text is written', (t) => {
  class Price {
    constructor(readonly cents: number) {}
    toJSON(): string {
      return `${this.cents} cents`;
    }
  }
  const { version, text } = written({ price: { cents: 5 } }, (data) => (data['price'] = new Price(5)));
  t.is(version, 2);
  t.is(text, '{"price":"5 cents"}');
});

test('a property that became a getter is stored with the value it returns, and one that throws is ERR_SESSION_DATA', (t) => {
  const become = (get: () => unknown) => (data: Data) => {
    Object.defineProperty(data, 'n', { get, enumerable: true, configurable: true });
  };
  const [same, other] = [become(() => 1), become(() => 2)];
  t.is(written({ n: 1 }, same).version, 1);
  t.is(written({ n: 1 }, other).text, '{"n":2}');
  const fail = (): never => {
    throw new Error('no number');
  };
  t.throws(() => written({ n: 1 }, become(fail)), { code: 'ERR_SESSION_DATA', message: /no number/ });
});

test('a change after a save is written by the next save', (t) => {
  const { id } = store.create({ n: 0 });
  const session = manager.load(id) as ReturnType<typeof manager.create>;
  session.data['n'] = 1;
  void session.save();
  void session.save();
  t.is(store.get(id)!.version, 2);
  session.data['n'] = 0;
  void session.save();
  t.deepEqual(store.get(id)!.data, { n: 0 });
});
