// The cost of a middleware for a request. frame/mocked.mjs says how it is measured.
import { withCandidates } from '../frame/child.mjs';
import { dataOf } from '../frame/data.mjs';
import { checkKinds, kinds, loginCookies, requestTime } from '../frame/mocked.mjs';
import { takeTurns } from '../frame/rounds.mjs';
import { cellOf, goalOf, tableOf } from '../frame/table.mjs';
import { middlewares } from '../candidates/middlewares.mjs';

const SESSIONS = 1_000;
export const BASE = 'no session';
export const OURS = 'agai-session';
const USUAL = 'express-session + MemoryStore';

/** A candidate with sessions in it. */
async function open(name, { bytes, letters, ms, sessions }) {
  const data = dataOf(bytes, letters);
  const candidate = await middlewares[name]();
  const cookies = await loginCookies(candidate, data, sessions);
  if (name !== BASE) await checkKinds(candidate, cookies);
  const text = JSON.stringify(data);
  return {
    request: (kind) => requestTime(candidate, kind, cookies, ms),
    json: () => jsonTime(text, ms),
    close: () => candidate.close(),
  };
}

export const candidates = Object.fromEntries(
  Object.keys(middlewares).map((name) => [name, (options) => open(name, options)]),
);

/** The time of `JSON.parse` and `JSON.stringify` of a session's data in microseconds, which every middleware over texts needs. */
function jsonTime(text, ms) {
  const time = (work) => {
    const end = performance.now() + ms / 4;
    const start = performance.now();
    let calls = 0;
    for (; performance.now() < end; calls += 100) for (let n = 0; n < 100; n += 1) work(n);
    return ((performance.now() - start) / calls) * 1_000;
  };
  const data = JSON.parse(text);
  let kept;
  const parse = time(() => (kept = JSON.parse(text)));
  const stringify = time((n) => {
    data.visits = n;
    kept = JSON.stringify(data);
  });
  if (kept === undefined) throw new Error('never');
  return { parse, stringify };
}

/** The added microseconds by candidate and kind, and those of the JSON, over several processes: each compiles the code a little differently. */
export async function added(scale, names, bytes, letters) {
  const figures = {};
  const json = { parse: [], stringify: [] };
  for (let launch = 0; launch < scale.launches; launch += 1) {
    const options = { bytes, letters, ms: scale.ms, sessions: Math.min(SESSIONS, scale.sessions.at(-1)) };
    await withCandidates(import.meta.url, names, options, async (started) => {
      // The first round is a warm-up and does not count.
      for (const ask of Object.values(started)) for (const kind of Object.keys(kinds)) await ask('request', kind);
      for (const kind of Object.keys(kinds)) {
        const times = await takeTurns(scale.rounds, started, (ask) => ask('request', kind));
        for (const [name, all] of Object.entries(times)) {
          if (name === BASE) continue;
          const over = all.map((time, round) => time - times[BASE][round]);
          ((figures[name] ??= {})[kind] ??= []).push(...over);
        }
      }
      for (let round = 0; round < scale.rounds; round += 1) {
        const { parse, stringify } = await started[OURS]('json');
        json.parse.push(parse);
        json.stringify.push(stringify);
      }
    });
  }
  figures['JSON.parse of the data, for comparison'] = { read: json.parse };
  figures['JSON.parse and JSON.stringify, for comparison'] = {
    write: json.parse.map((time, n) => time + json.stringify[n]),
  };
  return figures;
}

function goals(table) {
  const ours = (kind) => cellOf(table, OURS, kind);
  const parse = cellOf(table, 'JSON.parse of the data, for comparison', 'read');
  const both = cellOf(table, 'JSON.parse and JSON.stringify, for comparison', 'write');
  return [
    goalOf(
      'untouched, against express-session + MemoryStore',
      ours('untouched') / cellOf(table, USUAL, 'untouched'),
      1 / 25,
      { unit: ' of it' },
    ),
    goalOf('untouched', ours('untouched'), 1.2, { unit: ' us' }),
    goalOf('read, beyond its own JSON.parse', ours('read') - parse, 1.2, { unit: ' us' }),
    goalOf('write, beyond its own JSON.parse and JSON.stringify', ours('write') - both, 2.5, { unit: ' us' }),
    goalOf('anonymous', ours('anonymous'), 0.6, { unit: ' us' }),
    goalOf('forged cookie', ours('forged'), 0.6, { unit: ' us' }),
    goalOf('forged cookie, against a session that is there', ours('forged') / ours('untouched'), 1, { unit: ' of it' }),
  ].filter(Boolean);
}

export async function run(scale) {
  const figures = await added(scale, Object.keys(middlewares), 300, 'ascii');
  const main = tableOf({
    id: 'middleware',
    title: 'What a session middleware adds to a mocked request, 300 bytes of data',
    unit: 'microseconds of the JavaScript thread',
    figures,
  });
  main.goals = goals(main);
  const tables = [main];
  if (scale.name === 'full') tables.push(await bySize(scale));
  return { tables, bars: [{ name: 'middleware', table: main, column: 'untouched' }] };
}

/** How the cost grows with the data, and with non-ASCII letters. */
async function bySize(scale) {
  const figures = {};
  for (const bytes of scale.sizes) {
    for (const letters of ['ascii', 'other']) {
      const all = await added({ ...scale, launches: 1 }, [BASE, OURS, USUAL], bytes, letters);
      const of = `${bytes.toLocaleString('en-US')} bytes${letters === 'other' ? ', beyond ASCII' : ''}`;
      for (const name of [OURS, USUAL]) {
        const { untouched, read, write } = all[name];
        figures[`${name}, ${of}`] = { untouched, read, write };
      }
    }
  }
  return tableOf({
    id: 'middleware-by-size',
    title: 'The same by size of the data',
    unit: 'microseconds of the JavaScript thread',
    figures,
  });
}
