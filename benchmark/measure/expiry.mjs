// The longest stall when all sessions of a store expire in one instant. This package expires them by itself, on a manual clock, and emits an
// event for each; lru-cache and memorystore are asked to drop stale entries. MemoryStore drops an entry only when it is read.
import { longestStall, pause } from '../../scripts/figures/common.mjs';
import { expireAtOnce } from '../../scripts/figures/memory.mjs';
import { stores } from '../candidates/stores.mjs';
import { withCandidates } from '../frame/child.mjs';
import { dataOf } from '../frame/data.mjs';
import { takeTurns } from '../frame/rounds.mjs';
import { cellOf, goalOf, tableOf } from '../frame/table.mjs';

const OURS = 'agai-session';
const QUIET = 'nothing expires';
/** About as long as the expiry of a million sessions takes: the longest stall of a long time is longer than that of a short one. */
const watched = (scale) => (scale === 'smoke' ? 50 : 3_500);

/** A store that is asked to drop stale entries, after its clock was moved past every session's deadline. */
async function purged(name, { sessions }) {
  // A missing module is noticed here.
  (await stores[name]()).close();
  const { now } = Date;
  const { performance: watch } = globalThis;
  const look = watch.now.bind(watch);
  let ahead = 0;
  Date.now = () => now() + ahead;
  watch.now = () => look() + ahead;
  return {
    async measure() {
      const store = await stores[name]();
      const text = JSON.stringify(dataOf(300));
      for (let n = 0; n < sessions; n += 1) {
        store.create(text);
        if (n % 10_000 === 9_999) await new Promise(setImmediate);
      }
      global.gc();
      await pause(200);
      ahead += 31 * 60_000;
      const stall = await longestStall(async () => {
        await pause(5);
        store.purge();
        await pause(5);
      });
      store.close();
      // Not while another candidate is measured.
      global.gc();
      return stall;
    },
  };
}

export const candidates = {
  [OURS]: ({ sessions, scale }) => ({
    async measure() {
      const { expiring } = await expireAtOnce({ sessions, rounds: 1, watched: watched(scale) });
      return expiring[0];
    },
  }),
  [QUIET]: ({ scale }) => ({ measure: () => longestStall(() => pause(watched(scale))) }),
  'lru-cache, purgeStale': (options) => purged('lru-cache', options),
  'memorystore, prune': (options) => purged('memorystore', options),
};

export async function run(scale) {
  const sessions = scale.name === 'smoke' ? 1_000 : 1_000_000;
  const options = { sessions, scale: scale.name, heap: 8_192 };
  return withCandidates(import.meta.url, Object.keys(candidates), options, async (started) => {
    const rounds = await takeTurns(Math.min(5, scale.rounds), started, (ask) => ask('measure'));
    const figures = Object.fromEntries(Object.entries(rounds).map(([name, all]) => [name, { 'longest stall': all }]));
    const title = `${sessions.toLocaleString('en-US')} sessions of 300 bytes expire at once`;
    const table = tableOf({ id: 'mass-expiry', title, unit: 'milliseconds', figures });
    table.goals = [goalOf('longest stall', cellOf(table, OURS, 'longest stall'), 2, { unit: ' ms' })].filter(Boolean);
    return { tables: [table], bars: [{ name: 'mass-expiry', table, column: 'longest stall' }] };
  });
}
