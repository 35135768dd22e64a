// One key of the data, read and changed by itself, beside the same through the whole of it, by size of the data.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { load } from '../../scripts/figures/common.mjs';
import { root } from '../../scripts/setup.mjs';
import { withCandidates } from '../frame/child.mjs';
import { dataOf } from '../frame/data.mjs';
import { takeTurns } from '../frame/rounds.mjs';
import { cellOf, goalOf, tableOf } from '../frame/table.mjs';
import { added, BASE, OURS } from './middleware.mjs';

const BY_KEY = `${OURS}, get and set`;
/** Without the two headers that a response gets whose handler used the session: what the key alone costs. */
const ALONE = `${BY_KEY}, no cache headers`;
/** The goals by size, for the key alone: the most microseconds that a read and a write of one key take beyond a request that does not look. */
const SIZES = { 300: [0.7, 2], 2_048: [0.7, 2], 10_240: [0.7, 3] };
const IN_FLIGHT = 64;
const KINDS = ['untouched', 'read', 'write'];

const rowOf = (name, bytes) => `${name}, ${Number(bytes).toLocaleString('en-US')} bytes`;

async function mocked(scale) {
  const figures = {};
  const sizes = scale.name === 'smoke' ? [300] : Object.keys(SIZES).map(Number);
  for (const bytes of sizes) {
    const all = await added(scale, [BASE, OURS, BY_KEY, ALONE], bytes, 'ascii');
    for (const name of [ALONE, BY_KEY, OURS]) {
      figures[rowOf(name, bytes)] = Object.fromEntries(KINDS.map((kind) => [kind, all[name][kind]]));
    }
  }
  const table = tableOf({
    id: 'keys',
    title: 'What a mocked request costs that touches one key, by size of the data',
    unit: 'microseconds of the JavaScript thread that the middleware and the handler add',
    figures,
  });
  table.goals = sizes.flatMap((bytes) => {
    const beyond = (kind) => cellOf(table, rowOf(ALONE, bytes), kind) - cellOf(table, rowOf(ALONE, bytes), 'untouched');
    const [read, write] = SIZES[bytes];
    return [
      goalOf(`get, ${bytes} bytes, beyond untouched`, beyond('read'), read, { unit: ' us' }),
      goalOf(`set, ${bytes} bytes, beyond untouched`, beyond('write'), write, { unit: ' us' }),
    ];
  });
  return table;
}

/** A store on disk with sessions of 10 KB, of which one number is changed: by its key, or with all the rest. */
async function open(change, { folder, sessions }) {
  const { SessionStore } = load();
  const durability = change.endsWith('disk') ? 'disk' : 'os';
  const store = await SessionStore.open({
    path: join(folder, change.replaceAll(' ', '-')),
    durability,
    maxBytes: '4GiB',
  });
  const data = dataOf(10_240, 'ascii');
  const { backend } = store;
  const ids = [];
  for (let n = 0; n < sessions; n += 1) {
    data.visits = n;
    ids.push((await backend.create({ data: JSON.stringify(data), uid: `user${n}` })).id);
  }
  const text = JSON.stringify(data).replace(/^{"visits":\d+/, '');
  const changeOf = change.startsWith('key')
    ? (n) => ({ keys: [['visits', String(n)]] })
    : (n) => ({ data: `{"visits":${n}${text}` });
  return {
    async measure(ms) {
      const start = performance.now();
      let done = 0;
      while (performance.now() - start < ms) {
        const commits = Array.from({ length: IN_FLIGHT }, (_, k) =>
          backend.commit(ids[(done + k) % ids.length], undefined, changeOf(done + k)),
        );
        await Promise.all(commits);
        done += IN_FLIGHT;
      }
      return (done / (performance.now() - start)) * 1_000;
    },
    close: () => store.close(),
  };
}

const changes = ['key, disk', 'whole, disk', 'key, os', 'whole, os'];
export const candidates = Object.fromEntries(changes.map((change) => [change, (options) => open(change, options)]));

async function durable(scale) {
  // Not in the system's temporary folder, which may be in memory.
  const parent = join(root, 'target', 'bench');
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'keys-'));
  try {
    const sessions = scale.name === 'smoke' ? 100 : 2_000;
    return await withCandidates(import.meta.url, changes, { folder, sessions }, async (started) => {
      await takeTurns(1, started, (ask) => ask('measure', scale.ms));
      const rounds = await takeTurns(scale.rounds, started, (ask) => ask('measure', scale.ms * 5));
      const figures = Object.fromEntries(Object.entries(rounds).map(([name, all]) => [name, { commits: all }]));
      const table = tableOf({
        id: 'keys-durable',
        title: 'Durable commits of one number in sessions of 10 KB, 64 in flight: its key alone, or all the data',
        unit: 'commits a second; each counts when what its mode promises is done',
        figures,
      });
      table.goals = ['disk', 'os'].map((mode) => {
        const times = cellOf(table, `key, ${mode}`, 'commits') / cellOf(table, `whole, ${mode}`, 'commits');
        return goalOf(`key, against whole, ${mode}`, times, 10, { unit: ' times', atLeast: true });
      });
      return table;
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function run(scale) {
  return { tables: [await mocked(scale), await durable(scale)] };
}
