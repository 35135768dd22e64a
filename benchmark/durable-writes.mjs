// Durable commits a second, with 64 in flight, on one disk: this package with `durability: 'disk'` beside better-sqlite3 (WAL,
// synchronous FULL) and lmdb. Every figure counts a commit when the disk has it. Interleaved rounds, medians.
//   npm run benchmark -- durable-writes [--dir=FOLDER] [--rounds=5] [--seconds=1]
import { mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SessionStore } from 'agai-session';
import { compare } from './compare.mjs';

const { values } = parseArgs({
  options: {
    dir: { type: 'string', default: 'target' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
  },
});
const IN_FLIGHT = 64;
const SESSIONS = 10_000;
const folder = mkdtempSync(join(resolve(values.dir), 'durable-writes-'));
const text = (n) => JSON.stringify({ n, cart: 'x'.repeat(380) });

async function ours() {
  const store = await SessionStore.open({ path: join(folder, 'ours'), durability: 'disk' });
  const { backend } = store;
  const ids = [];
  for (let n = 0; n < SESSIONS; n += 1000) {
    const made = Array.from({ length: 1000 }, (_, k) => backend.create({ data: text(n + k), uid: `user${n + k}` }));
    ids.push(...(await Promise.all(made)).map(({ id }) => id));
  }
  return {
    commit: (n) => backend.commit(ids[n % SESSIONS], undefined, { data: text(n) }),
    close: () => store.close(),
  };
}

/** One transaction a commit: SQLite has one writer, and its API here is synchronous. */
async function sqlite() {
  const { default: Database } = await import('better-sqlite3');
  const db = new Database(join(folder, 'sqlite.db'));
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec('create table session (id text primary key, data text) without rowid');
  const put = db.prepare('insert or replace into session values (?, ?)');
  const ids = Array.from({ length: SESSIONS }, (_, n) => `session-${n}-${'i'.repeat(30)}`);
  db.transaction(() => ids.forEach((id, n) => put.run(id, text(n))))();
  return {
    commit: (n) => put.run(ids[n % SESSIONS], text(n)),
    close: () => db.close(),
  };
}

/**
 * `grouped`: lmdb's own batching of what one turn of the event loop puts; else one put after the other. Each promise is kept when the disk
 * has it. (`transactionSync` does not sync at all, and is left out.)
 */
async function lmdb(grouped) {
  const { open } = await import('lmdb');
  const path = join(folder, grouped ? 'lmdb-grouped' : 'lmdb');
  const db = open({ path, encoding: 'string', overlappingSync: false });
  const ids = Array.from({ length: SESSIONS }, (_, n) => `session-${n}-${'i'.repeat(30)}`);
  await db.transaction(() => ids.forEach((id, n) => db.put(id, text(n))));
  let last = Promise.resolve();
  const put = (n) => db.put(ids[n % SESSIONS], text(n));
  return {
    commit: grouped ? put : (n) => (last = last.then(() => put(n))),
    close: () => db.close(),
  };
}

/** Commits a second: always `IN_FLIGHT` under way, for those who can. */
async function measure({ commit }) {
  const end = performance.now() + Number(values.seconds) * 1000;
  const start = performance.now();
  let done = 0;
  const lane = async (first) => {
    for (let n = first; performance.now() < end; n += IN_FLIGHT) {
      await commit(n);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, (_, k) => lane(k)));
  return (done / (performance.now() - start)) * 1000;
}

try {
  await compare({
    unit: 'durable commits a second, 64 in flight',
    rounds: Number(values.rounds),
    candidates: {
      "agai-session, durability 'disk'": ours,
      'better-sqlite3, WAL, FULL': sqlite,
      'lmdb, a commit each': () => lmdb(false),
      'lmdb, its own batches': () => lmdb(true),
    },
    measure,
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
