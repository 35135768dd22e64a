// The cost of a store's calls, one by one and by the number of its sessions.
import { withCandidates } from '../frame/child.mjs';
import { dataOf, Ids } from '../frame/data.mjs';
import { takeTurns } from '../frame/rounds.mjs';
import { quantile } from '../frame/statistics.mjs';
import { cellOf, format, goalOf, tableOf } from '../frame/table.mjs';
import { stores } from '../candidates/stores.mjs';

const CALLS = 1_000;
const OURS = 'agai-session';
const MAP = 'JavaScript Map';
const inGrowth = [OURS, 'agai-session before', MAP, 'lru-cache'].filter((name) => name in stores);

/** A separate copy of a text: two variables of one string would share its place in the caches. */
const copyOf = (bytes, isLatin1) => (isLatin1 ? bytes.latin1Slice() : bytes.utf8Slice());

async function open(name, { sessions, bytes, letters }) {
  const store = await stores[name]();
  const text = JSON.stringify(dataOf(bytes, letters));
  const raw = Buffer.from(text);
  const isLatin1 = raw.length === text.length;
  const ids = new Ids(sessions);
  for (let n = 0; n < sessions; n += 1) {
    ids.add(store.create(copyOf(raw, isLatin1)));
    // Waiting callbacks are run, or there would be a million of them.
    if (n % 10_000 === 9_999) await new Promise(setImmediate);
  }
  const texts = (count) => Array.from({ length: count }, () => copyOf(raw, isLatin1));
  const operations = {
    get: { make: (count) => ids.take(count), call: (id) => store.get(id) },
    overwrite: {
      make: (count) => withTexts(ids.take(count), texts(count)),
      call: ([id, text]) => store.overwrite(id, text),
    },
    touch: store.touch && { make: (count) => ids.take(count), call: (id) => store.touch(id) },
    create: {
      make: texts,
      call: (text) => store.create(text),
      after: (made) => made.forEach((id) => store.destroy(id)),
    },
    destroy: {
      make: (count) => texts(count).map((text) => fresh(store.create(text))),
      call: (id) => store.destroy(id),
    },
  };
  return {
    /** The mean time of a call in nanoseconds. */
    async mean(operation, ms) {
      if (!operations[operation]) return undefined;
      let [took, calls] = [0, 0];
      for (const end = performance.now() + ms; performance.now() < end; calls += CALLS) {
        took += await batch(operations[operation], (all, call, made) => {
          const start = performance.now();
          for (const argument of all) made.push(call(argument));
          return performance.now() - start;
        });
      }
      return (took / calls) * 1e6;
    },
    /** The median and the 99th percentile of single calls in nanoseconds, without the time of reading the clock. */
    async single(operation, ms) {
      if (!operations[operation]) return undefined;
      const times = [];
      const look = quantile(
        Array.from({ length: 2_000 }, () => -(performance.now() - performance.now())),
        0.5,
      );
      for (const end = performance.now() + ms; performance.now() < end;) {
        await batch(operations[operation], (all, call, made) => {
          for (const argument of all) {
            const start = performance.now();
            const answer = call(argument);
            times.push((performance.now() - start - look) * 1e6);
            made.push(answer);
          }
        });
      }
      return { p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
    },
    close: () => store.close(),
  };
}

/** Makes arguments, passes them to `work`, and lets deferred work run before the next. */
async function batch({ make, call, after }, work) {
  const all = make(CALLS);
  const made = [];
  const answer = work(all, call, made);
  after?.(made);
  await new Promise(setImmediate);
  return answer;
}

const fresh = (id) => Buffer.from(id, 'latin1').latin1Slice();
const withTexts = (ids, texts) => ids.map((id, n) => [id, texts[n]]);

export const candidates = Object.fromEntries(
  Object.keys(stores).map((name) => [name, (options) => open(name, options)]),
);

async function operations(scale) {
  const sessions = Math.min(100_000, scale.sessions.at(-1));
  const options = { sessions, bytes: 300, letters: 'ascii', heap: 8_192 };
  return withCandidates(import.meta.url, Object.keys(stores), options, async (started) => {
    const figures = Object.fromEntries(Object.keys(started).map((name) => [name, {}]));
    for (const operation of ['get', 'create', 'overwrite', 'touch', 'destroy']) {
      for (const ask of Object.values(started)) await ask('single', operation, scale.ms);
      const rounds = await takeTurns(scale.rounds, started, (ask) => ask('single', operation, scale.ms));
      for (const [name, all] of Object.entries(rounds)) {
        const known = all.filter(Boolean);
        figures[name][`${operation} p50`] = known.map(({ p50 }) => p50);
        figures[name][`${operation} p99`] = known.map(({ p99 }) => p99);
      }
    }
    return tableOf({
      id: 'store-operations',
      title: `Calls of a store of ${sessions.toLocaleString('en-US')} sessions of 300 bytes`,
      unit: 'nanoseconds a call; half of the calls took at most p50, 99 in 100 at most p99',
      figures,
    });
  });
}

/** Gets by number of sessions, with ids that the engine sees for the first time. */
async function growth(scale, letters) {
  const figures = {};
  for (const sessions of scale.sessions) {
    const options = { sessions, bytes: 300, letters, heap: 16_384 };
    await withCandidates(import.meta.url, inGrowth, options, async (started) => {
      await takeTurns(1, started, (ask) => ask('mean', 'get', scale.ms));
      const rounds = await takeTurns(scale.rounds, started, (ask) => ask('mean', 'get', scale.ms));
      for (const [name, all] of Object.entries(rounds)) (figures[name] ??= {})[sessions.toLocaleString('en-US')] = all;
    });
  }
  const isAscii = letters === 'ascii';
  const table = tableOf({
    id: isAscii ? 'store-growth' : 'store-growth-other',
    title: `A get with its text by number of sessions, 300 bytes${isAscii ? '' : ' beyond ASCII'}`,
    unit: 'nanoseconds',
    figures,
  });
  const { columns } = table;
  const at = (name, column) => cellOf(table, name, column);
  table.goals = [
    ...columns
      .slice(2)
      .map((column) =>
        goalOf(`get at ${column} sessions, against a Map`, at(OURS, column) / at(MAP, column), 1, { unit: ' of it' }),
      ),
    goalOf(
      `growth from ${columns[0]} to ${columns.at(-1)} sessions`,
      at(OURS, columns.at(-1)) / at(OURS, columns[0]),
      8,
      { unit: ' times' },
    ),
  ].filter(Boolean);
  return table;
}

/** Gets and overwrites by size of the text. */
async function bySize(scale) {
  const figures = {};
  for (const bytes of scale.sizes) {
    for (const letters of ['ascii', 'other']) {
      const options = { sessions: Math.min(10_000, scale.sessions.at(-1)), bytes, letters };
      await withCandidates(import.meta.url, [OURS], options, async ({ [OURS]: ask }) => {
        const row = `${format(bytes)} bytes${letters === 'other' ? ', beyond ASCII' : ''}`;
        figures[row] = {};
        for (const operation of ['get', 'create', 'overwrite']) {
          await ask('mean', operation, scale.ms);
          const rounds = await takeTurns(scale.rounds, { ask }, () => ask('mean', operation, scale.ms));
          figures[row][operation] = rounds.ask;
        }
      });
    }
  }
  return tableOf({
    id: 'store-sizes',
    title: 'Calls of agai-session by size of the data',
    unit: 'nanoseconds',
    figures,
  });
}

export async function run(scale) {
  const tables = [await operations(scale), await growth(scale, 'ascii'), await bySize(scale)];
  if (scale.name === 'full') tables.push(await growth(scale, 'other'));
  return { tables, lines: [{ name: 'store-growth', table: tables[1], across: 'sessions' }] };
}
