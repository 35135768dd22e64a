// The cost of a user's sessions by the number of other users: listing them, ending them, and a login that evicts one.
import { load } from '../../scripts/figures/common.mjs';
import { withCandidates } from '../frame/child.mjs';
import { dataOf } from '../frame/data.mjs';
import { takeTurns } from '../frame/rounds.mjs';
import { cellOf, goalOf, tableOf } from '../frame/table.mjs';

const OURS = 'agai-session';
/** Sessions of each user. */
const EACH = 5;
const CALLS = 200;

const roomy = { maxSessions: 6_000_000, maxBytes: '16GiB', absoluteTimeout: '30d', maxSessionsPerUser: EACH };

function open({ users }) {
  const { SessionStore } = load();
  const store = new SessionStore(roomy);
  const { backend } = store;
  const data = JSON.stringify(dataOf(50));
  const uidOf = (n) => `user ${n}`;
  const logIn = (n) => backend.create({ data, uid: uidOf(n) });
  for (let round = 0; round < EACH; round += 1) for (let n = 0; n < users; n += 1) logIn(n);
  let at = 0;
  /** Other users at each call, far from each other. */
  const next = () => (at = (at + 7_919) % users);
  const operations = {
    [`sessionsOf, ${EACH} sessions`]: { call: (n) => store.sessionsOf(uidOf(n)) },
    [`destroyUser, ${EACH} sessions`]: {
      call: (n) => store.destroyUser(uidOf(n)),
      after: (n) => Array.from({ length: EACH }, () => logIn(n)),
    },
    'login that evicts one': { call: logIn },
  };
  return {
    /** The mean time of a call in nanoseconds. */
    async mean(operation, ms) {
      const { call, after } = operations[operation];
      let [took, calls] = [0, 0];
      for (const end = performance.now() + ms; performance.now() < end; calls += CALLS) {
        const numbers = Array.from({ length: CALLS }, next);
        const start = performance.now();
        for (const n of numbers) call(n);
        took += performance.now() - start;
        if (after) numbers.forEach(after);
        await new Promise(setImmediate);
      }
      return (took / calls) * 1e6;
    },
    names: () => Object.keys(operations),
    close: () => store.close(),
  };
}

export const candidates = { [OURS]: open };

export async function run(scale) {
  const figures = {};
  const most = Math.min(1_000_000, scale.sessions.at(-1));
  const few = Math.min(1_000, most / 10);
  for (const users of [few, most]) {
    const options = { users, heap: 16_384 };
    await withCandidates(import.meta.url, [OURS], options, async (started) => {
      for (const operation of await started[OURS]('names')) {
        await started[OURS]('mean', operation, scale.ms);
        const rounds = await takeTurns(scale.rounds, started, (ask) => ask('mean', operation, scale.ms));
        (figures[operation] ??= {})[users.toLocaleString('en-US')] = rounds[OURS];
      }
    });
  }
  const table = tableOf({
    id: 'users',
    title: `Calls about one user's sessions by number of users, of whom each has ${EACH}`,
    unit: 'nanoseconds',
    figures,
  });
  const [less, more] = table.columns;
  table.goals = Object.keys(figures)
    .slice(0, 2)
    .map((row) =>
      goalOf(`${row}: ${more} users, against ${less}`, cellOf(table, row, more) / cellOf(table, row, less), 2, {
        unit: ' of it',
      }),
    )
    .filter(Boolean);
  return { tables: [table] };
}
