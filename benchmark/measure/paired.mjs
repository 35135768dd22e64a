// This package beside another version of it: `npm run bench -- --only paired --before DIR`.
//
// Separate processes of one program differ by some percent, because each lays out its code and its memory a little differently; a shared
// machine adds more. So both versions take turns of a few milliseconds, and a figure is the ratio of two turns that follow each other. The
// store's calls are compared in one process. Both middlewares in one process would hook the same responses, so each has its own, and
// several pairs of processes are started.
import { createRequire } from 'node:module';
import { LeftOut, withCandidates } from '../frame/child.mjs';
import { dataOf } from '../frame/data.mjs';
import { kinds } from '../frame/mocked.mjs';
import { takeTurns } from '../frame/rounds.mjs';
import { tableOf } from '../frame/table.mjs';
import { requireBefore, withoutUserLimit } from '../candidates/before.mjs';

const CALLS = 2_000;
const BOUND = 1.03;
const RATIO = 'now / before';
const LIMITS = { maxSessions: 6_000_000, maxBytes: '16GiB', absoluteTimeout: '30d' };
const requireNow = createRequire(new URL('../../package.json', import.meta.url));

/** A store of one version, with its calls by name; each takes the number of a session. */
function open(require, { sessions, bytes }) {
  const { SessionStore } = require('agai-session');
  const store = withoutUserLimit((unlimited) => new SessionStore({ ...LIMITS, ...unlimited }));
  const { backend } = store;
  const text = JSON.stringify(dataOf(bytes, 'ascii'));
  const ids = Array.from({ length: sessions }, () => backend.create({ data: text, uid: 'ann' }).id);
  const find = backend.cookieReader('id');
  const header = (id) => `theme=dark; id=${id}; lang=en`;
  const headers = ids.map(header);
  // The id of no session: both of its halves are wrong.
  const forged = ids.map((id) => header(`${id.slice(21, 42)}${id.slice(0, 21)}${id.at(-1)}`));
  const made = [];
  return {
    calls: {
      find: (n) => find(headers[n], true),
      forged: (n) => find(forged[n], true),
      get: (n) => backend.load(ids[n], false).data,
      touch: (n) => backend.touch(ids[n]),
      commit: (n) => backend.commit(ids[n], undefined, { data: text }),
      create: () => made.push(backend.create({ data: text, uid: 'ann' }).id),
    },
    /** Ends what `create` has made. */
    tidy: () => made.splice(0).forEach((id) => store.destroy(id)),
  };
}

/** The nanoseconds of one call, over a turn of the same sessions for both versions. */
function turn({ calls, tidy }, name, order) {
  const call = calls[name];
  const start = process.hrtime.bigint();
  for (const n of order) call(n);
  const took = Number(process.hrtime.bigint() - start) / order.length;
  tidy();
  return took;
}

function compare(options) {
  const both = { before: open(requireBefore, options), now: open(requireNow, options) };
  const numbers = () => Array.from({ length: CALLS }, () => Math.floor(Math.random() * options.sessions));
  return {
    /** The nanoseconds of both versions and the ratio of the two, by round. */
    rounds(name, count) {
      const all = { before: [], now: [], ratio: [] };
      for (let round = -Math.ceil(count / 5); round < count; round += 1) {
        const order = numbers();
        const took = {};
        for (const version of round % 2 ? ['before', 'now'] : ['now', 'before']) {
          took[version] = turn(both[version], name, order);
        }
        // The first ones are a warm-up.
        if (round < 0) continue;
        all.before.push(took.before);
        all.now.push(took.now);
        all.ratio.push(took.now / took.before);
      }
      return all;
    },
    names: () => Object.keys(both.now.calls),
    close() {},
  };
}

export const candidates = { both: async (options) => compare(options) };

async function calls(scale) {
  const figures = {};
  for (const sessions of scale.sessions) {
    const options = { sessions, bytes: 300, heap: 16_384 };
    await withCandidates(import.meta.url, ['both'], options, async ({ both }) => {
      for (const name of await both('names')) {
        const { before, now, ratio } = await both('rounds', name, scale.rounds * 20);
        figures[`${name}, ${sessions.toLocaleString('en-US')} sessions`] = { before, now, [RATIO]: ratio };
      }
    });
  }
  return withGoals({
    id: 'paired-calls',
    title: 'Calls of the store, this version and the one before, in one process',
    unit: 'nanoseconds a call, and the ratio of two turns that follow each other',
    figures,
  });
}

async function requests(scale) {
  const figures = {};
  const module = new URL('middleware.mjs', import.meta.url).href;
  const names = ['agai-session', 'agai-session before'];
  const options = { bytes: 300, letters: 'ascii', ms: scale.ms / 5, sessions: 1_000 };
  for (let launch = 0; launch < scale.launches * 3; launch += 1) {
    await withCandidates(module, names, options, async (started) => {
      for (const kind of Object.keys(kinds)) {
        await takeTurns(5, started, (ask) => ask('request', kind));
        const times = await takeTurns(scale.rounds * 4, started, (ask) => ask('request', kind));
        const { 'agai-session': now, 'agai-session before': before } = times;
        const row = (figures[kind] ??= { before: [], now: [], [RATIO]: [] });
        row.before.push(...before);
        row.now.push(...now);
        row[RATIO].push(...now.map((time, round) => time / before[round]));
      }
    });
  }
  return withGoals({
    id: 'paired-requests',
    title: 'Mocked requests through the middleware, this version and the one before',
    unit: 'microseconds of the JavaScript thread for the whole request, and the ratio of two turns that follow each other',
    figures,
  });
}

function withGoals(facts) {
  const table = tableOf(facts);
  const at = table.columns.indexOf(RATIO);
  table.goals = table.rows.map(({ name, cells }) => ({
    what: name,
    goal: `<= ${BOUND} of before`,
    measured: cells[at].median.toFixed(3),
    met: cells[at].median <= BOUND,
  }));
  return table;
}

export async function run(scale) {
  if (!requireBefore) throw new LeftOut('needs `--before DIR`, another version of this package');
  return { tables: [await calls(scale), await requests(scale)] };
}
