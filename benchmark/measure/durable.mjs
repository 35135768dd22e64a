// Durable commits a second, with 64 in flight, on one disk: each mode of this package beside others with the same guarantee.
import { closeSync, fdatasyncSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { load } from '../../scripts/figures/common.mjs';
import { root } from '../../scripts/setup.mjs';
import { startRedis } from '../candidates/middlewares.mjs';
import { withCandidates } from '../frame/child.mjs';
import { takeTurns } from '../frame/rounds.mjs';
import { tableOf } from '../frame/table.mjs';

const IN_FLIGHT = 64;
const text = (n) => JSON.stringify({ n, cart: 'x'.repeat(380) });
const names = (count) => Array.from({ length: count }, (_, n) => `session-${n}-${'i'.repeat(30)}`);

async function ours(durability, { folder, sessions }) {
  const { SessionStore } = load();
  const store = await SessionStore.open({ path: join(folder, durability), durability });
  const { backend } = store;
  const ids = [];
  for (let n = 0; n < sessions; n += 1_000) {
    const made = Array.from({ length: 1_000 }, (_, k) => backend.create({ data: text(n + k), uid: `user${n + k}` }));
    ids.push(...(await Promise.all(made)).map(({ id }) => id));
  }
  return {
    commit: (n) => backend.commit(ids[n % ids.length], undefined, { data: text(n) }),
    close: () => store.close(),
  };
}

/** One transaction for each commit: SQLite has one writer, and its API here is synchronous. */
async function sqlite(synchronous, { folder, sessions }) {
  const { default: Database } = await import('better-sqlite3');
  const db = new Database(join(folder, `sqlite-${synchronous}.db`));
  db.pragma('journal_mode = WAL');
  db.pragma(`synchronous = ${synchronous}`);
  db.exec('create table session (id text primary key, data text) without rowid');
  const put = db.prepare('insert or replace into session values (?, ?)');
  const ids = names(sessions);
  db.transaction(() => ids.forEach((id, n) => put.run(id, text(n))))();
  return {
    commit: (n) => put.run(ids[n % ids.length], text(n)),
    close: () => db.close(),
  };
}

/**
 * `grouped`: lmdb batches the puts of one turn of the event loop; otherwise one put after the other. Each promise resolves when the disk has
 * the record. (`transactionSync` does not sync at all, and is left out.)
 */
async function lmdb(grouped, { folder, sessions }) {
  const { open } = await import('lmdb');
  const path = join(folder, grouped ? 'lmdb-grouped' : 'lmdb');
  const db = open({ path, encoding: 'string', overlappingSync: false });
  const ids = names(sessions);
  await db.transaction(() => ids.forEach((id, n) => db.put(id, text(n))));
  let last = Promise.resolve();
  const put = (n) => db.put(ids[n % ids.length], text(n));
  return {
    commit: grouped ? put : (n) => (last = last.then(() => put(n))),
    close: () => db.close(),
  };
}

/** Redis with its append-only file, on a Unix socket; its directory is on the same disk. */
async function redis(appendfsync, { folder, sessions }) {
  const { client, close } = await startRedis(
    ['--save', '', '--appendonly', 'yes', '--appendfsync', appendfsync],
    folder,
  );
  const ids = names(sessions);
  await Promise.all(ids.map((id, n) => client.set(id, text(n))));
  return { commit: (n) => client.set(ids[n % ids.length], text(n)), close };
}

/** Commits a second, always with `IN_FLIGHT` of them in progress if the store can do that. */
async function rate({ commit }, ms) {
  const start = performance.now();
  const end = start + ms;
  let done = 0;
  const lane = async (first) => {
    for (let n = first; performance.now() < end; n += IN_FLIGHT) {
      await commit(n);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, (_, k) => lane(k)));
  return (done / (performance.now() - start)) * 1_000;
}

/** The limit of the disk: all records in flight in one write, followed by one sync, and nothing else. */
function floor({ folder }) {
  const file = openSync(join(folder, 'floor'), 'a');
  const records = Buffer.from(Array.from({ length: IN_FLIGHT }, (_, n) => text(n)).join(''));
  const measure = (ms) => {
    const start = performance.now();
    let done = 0;
    while (performance.now() < start + ms) {
      writeSync(file, records);
      fdatasyncSync(file);
      done += IN_FLIGHT;
    }
    return (done / (performance.now() - start)) * 1_000;
  };
  return { measure, close: () => closeSync(file) };
}

/** The candidates, grouped by what an acknowledged commit survives. */
const compared = {
  "agai-session 'disk'": (options) => ours('disk', options),
  'better-sqlite3, WAL, FULL': (options) => sqlite('FULL', options),
  'lmdb, a commit each': (options) => lmdb(false, options),
  'lmdb, its own batches': (options) => lmdb(true, options),
  'Redis, AOF always': (options) => redis('always', options),
  "agai-session 'os'": (options) => ours('os', options),
  'better-sqlite3, WAL, NORMAL': (options) => sqlite('NORMAL', options),
  'Redis, AOF everysec': (options) => redis('everysec', options),
  "agai-session 'none'": (options) => ours('none', options),
};

const FLOOR = 'one write and fdatasync for each 64, nothing else';

const candidatesInFlight = Object.fromEntries(
  Object.entries(compared).map(([name, open]) => [
    name,
    async (options) => {
      const candidate = await open(options);
      return { measure: (ms) => rate(candidate, ms), close: () => candidate.close() };
    },
  ]),
);

export const candidates = { ...candidatesInFlight, [FLOOR]: floor };

export async function run(scale) {
  // Not in the system's temporary folder, which may be in memory.
  const parent = join(root, 'target', 'bench');
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'durable-'));
  try {
    const sessions = scale.name === 'smoke' ? 1_000 : 10_000;
    return await withCandidates(import.meta.url, Object.keys(candidates), { folder, sessions }, async (started) => {
      await takeTurns(1, started, (ask) => ask('measure', scale.ms));
      const rounds = await takeTurns(scale.rounds, started, (ask) => ask('measure', scale.ms * 5));
      const figures = Object.fromEntries(Object.entries(rounds).map(([name, all]) => [name, { commits: all }]));
      const table = tableOf({
        id: 'durable-commits',
        title: 'Durable commits of 400 bytes, 64 in flight',
        unit: 'commits a second; each counts when what its mode promises is done',
        figures,
      });
      return { tables: [table], bars: [{ name: 'durable-commits', table, column: 'commits' }] };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
