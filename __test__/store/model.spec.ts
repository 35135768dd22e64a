/** Whatever calls come in whatever order, the store answers as a Map with a clock would. */
import { SessionStore } from 'agai-session';
import { ManualClock } from 'agai-session/testing';
import test from 'ava';
import * as fc from 'fast-check';

const MINUTE = 60_000;
const LIMITS = { idleTimeout: 30 * MINUTE, guestIdleTimeout: 10 * MINUTE, absoluteTimeout: 60 * MINUTE };

interface Entry {
  data: object;
  uid: string;
  version: number;
  lastSeenAt: number;
  idleTimeout: number;
  absoluteDeadline: number;
  handle: string;
}

/** The store as anybody would write it in ten minutes. */
class Model {
  readonly entries = new Map<string, Entry>();
  now = 0;

  live(id: string): Entry | undefined {
    const entry = this.entries.get(id);
    if (!entry) return undefined;
    if (Math.min(entry.lastSeenAt + entry.idleTimeout, entry.absoluteDeadline) > this.now) return entry;
    this.entries.delete(id);
    return undefined;
  }

  all(): Entry[] {
    return [...this.entries.keys()].flatMap((id) => this.live(id) ?? []);
  }
}

interface Pair {
  readonly store: SessionStore;
  readonly clock: ManualClock;
  readonly model: Model;
  /** Ids ever given out, dead ones included. */
  readonly ids: string[];
}

type Step = (pair: Pair) => void;

function equal(actual: unknown, expected: unknown, what: string): void {
  const [left, right] = [actual, expected].map((value) =>
    JSON.stringify(value, (_, each: unknown) => (each === Infinity ? 'Infinity' : each)),
  );
  if (left !== right) throw new Error(`${what}: the store says ${left}, the model ${right}`);
}

function entryOf(record: Omit<Entry, 'data'> & { data: object }): Entry {
  const { data, uid, version, lastSeenAt, idleTimeout, absoluteDeadline, handle } = record;
  return { data, uid, version, lastSeenAt, idleTimeout, absoluteDeadline, handle };
}

const which = fc.nat(30);
const data = fc.dictionary(fc.string({ maxLength: 5, unit: 'binary' }), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 });
const uid = fc.option(fc.constantFrom('ada', 'bob', 'Жанна', '🎉'), { nil: undefined });
const timeout = fc.option(fc.constantFrom(MINUTE, 15 * MINUTE, 90 * MINUTE, Infinity), { nil: undefined });
const pick = ({ ids }: Pair, n: number): string => (ids.length === 0 ? 'nobody' : ids[n % ids.length]!);

const create = fc
  .record({ data, uid, idleTimeout: timeout, absoluteTimeout: timeout })
  .map(({ data, uid, idleTimeout, absoluteTimeout }): Step => (pair) => {
    const { store, model, ids } = pair;
    const record = store.create(data, {
      ...(uid !== undefined && { uid }),
      ...(idleTimeout !== undefined && { idleTimeout }),
      ...(absoluteTimeout !== undefined && { absoluteTimeout }),
    });
    if (model.entries.has(record.id)) throw new Error('an id was given out twice');
    const entry: Entry = {
      data: JSON.parse(JSON.stringify(data)) as object,
      uid: uid ?? 'Guest',
      version: 1,
      lastSeenAt: model.now,
      idleTimeout: idleTimeout ?? (uid === undefined ? LIMITS.guestIdleTimeout : LIMITS.idleTimeout),
      absoluteDeadline: model.now + (absoluteTimeout ?? LIMITS.absoluteTimeout),
      handle: record.handle,
    };
    equal(entryOf(record), entry, 'create');
    model.entries.set(record.id, entry);
    ids.push(record.id);
  });

const get = which.map((n): Step => (pair) => {
  const id = pick(pair, n);
  const record = pair.store.get(id);
  equal(record && entryOf(record), pair.model.live(id), 'get');
  equal(pair.store.has(id), pair.model.live(id) !== undefined, 'has');
});

const commit = fc
  .record({ n: which, data, behind: fc.constantFrom(0, 0, 1, undefined) })
  .map(({ n, data, behind }): Step => (pair) => {
    const id = pick(pair, n);
    const entry = pair.model.live(id);
    const version = behind === undefined ? undefined : Math.max((entry?.version ?? 1) - behind, 1);
    const result = pair.store.commit(id, version, data);
    if (!entry) return equal(result, { status: 'gone' }, 'commit');
    if (version !== undefined && version !== entry.version) {
      equal(result.status, 'conflict', 'commit');
      return equal(result.status === 'conflict' && entryOf(result.current), entry, 'conflict');
    }
    entry.version++;
    entry.data = JSON.parse(JSON.stringify(data)) as object;
    entry.lastSeenAt = pair.model.now;
    return equal(result, { status: 'ok', version: entry.version }, 'commit');
  });

const update = fc.record({ n: which, data }).map(({ n, data }): Step => (pair) => {
  const id = pick(pair, n);
  const entry = pair.model.live(id);
  const record = pair.store.update(id, (before) => ({ ...before, ...data }));
  if (entry) {
    entry.version++;
    entry.data = JSON.parse(JSON.stringify({ ...entry.data, ...data })) as object;
    entry.lastSeenAt = pair.model.now;
  }
  equal(record && entryOf(record), entry, 'update');
});

const touch = fc.record({ n: which, idleTimeout: timeout }).map(({ n, idleTimeout }): Step => (pair) => {
  const id = pick(pair, n);
  const entry = pair.model.live(id);
  equal(pair.store.touch(id, idleTimeout === undefined ? {} : { idleTimeout }), entry !== undefined, 'touch');
  if (!entry) return;
  entry.lastSeenAt = pair.model.now;
  if (idleTimeout !== undefined) entry.idleTimeout = idleTimeout;
});

const regenerate = fc.record({ n: which, uid }).map(({ n, uid }): Step => (pair) => {
  const { model, store, ids } = pair;
  const id = pick(pair, n);
  const entry = model.live(id);
  const record = store.regenerate(id, uid === undefined ? {} : { uid });
  if (entry) {
    entry.version++;
    entry.lastSeenAt = model.now;
    if (uid !== undefined && entry.uid !== 'Guest' && entry.uid !== uid) {
      // Another user's session begins, with nothing of this one.
      if (record!.handle === entry.handle) throw new Error('the handle of an ended session was given out again');
      Object.assign(entry, { data: {}, version: 1, handle: record!.handle });
    }
    if (uid !== undefined) {
      entry.uid = uid;
      entry.idleTimeout = LIMITS.idleTimeout;
      entry.absoluteDeadline = model.now + LIMITS.absoluteTimeout;
    }
    model.entries.delete(id);
    model.entries.set(record!.id, entry);
    ids.push(record!.id);
  }
  equal(record && entryOf(record), entry, 'regenerate');
});

const destroy = fc.record({ n: which, byHandle: fc.boolean() }).map(({ n, byHandle }): Step => (pair) => {
  const id = pick(pair, n);
  const entry = pair.model.live(id);
  const ended = byHandle ? pair.store.destroyByHandle(entry?.handle ?? 'nobody') : pair.store.destroy(id);
  equal(ended, entry !== undefined, 'destroy');
  pair.model.entries.delete(id);
});

const pass = fc.constantFrom(1, MINUTE, 9 * MINUTE, 10 * MINUTE, 25 * MINUTE).map((by): Step => ({ clock, model }) => {
  clock.advance(by);
  model.now += by;
  equal(clock.now(), model.now, 'the time');
});

const list = fc.integer({ min: 1, max: 9 }).map((limit): Step => ({ store, model }) => {
  const shown = (entries: { handle: string; uid: string; version: number }[]): unknown =>
    entries.map(({ handle, uid, version }) => [handle, uid, version]).toSorted();
  equal(shown([...store.sessions()]), shown(model.all()), 'sessions');
  const paged = [];
  let cursor: string | undefined;
  do {
    const page = store.page({ cursor, limit });
    paged.push(...page.sessions);
    cursor = page.next;
  } while (cursor !== undefined);
  equal(shown(paged), shown(model.all()), 'pages');
});

const clear = fc.constant<Step>(({ store, model }) => {
  const living = model.all().length;
  // The dead that nobody has swept yet are counted, too.
  if (store.clear() < living) throw new Error('clear ended too few');
  model.entries.clear();
  equal(store.size, 0, 'size after clear');
});

const step = fc.oneof(
  { weight: 6, arbitrary: create },
  { weight: 4, arbitrary: get },
  { weight: 4, arbitrary: commit },
  { weight: 2, arbitrary: update },
  { weight: 3, arbitrary: touch },
  { weight: 3, arbitrary: regenerate },
  { weight: 2, arbitrary: destroy },
  { weight: 3, arbitrary: pass },
  { weight: 1, arbitrary: list },
  { weight: 1, arbitrary: clear },
);

test('the store behaves like a naive model', (t) => {
  let calls = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 80, size: 'max' }), (steps) => {
      const clock = new ManualClock(0);
      const pair: Pair = { store: new SessionStore({ clock, ...LIMITS }), clock, model: new Model(), ids: [] };
      try {
        for (const run of steps) {
          calls++;
          run(pair);
        }
        equal(pair.store.stats().eventsDropped, 0, 'events dropped');
      } finally {
        pair.store.close();
      }
    }),
    { numRuns: 300 },
  );
  t.true(calls > 3_000, `${calls} calls`);
});

test('data that JSON can represent is read back unchanged', (t) => {
  using store = new SessionStore({ clock: new ManualClock(0) });
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ stringUnit: 'binary' })),
      uid,
      (data, uid) => {
        const expected = JSON.stringify(data);
        const { id } = store.create(data, uid === undefined ? {} : { uid });
        equal(JSON.stringify(store.get(id)?.data), expected, 'the data');
        equal(store.get(id)?.uid, uid ?? 'Guest', 'the uid');
      },
    ),
    { numRuns: 300 },
  );
  t.is(store.size, 300);
});
