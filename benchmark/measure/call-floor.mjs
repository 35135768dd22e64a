// The cheapest possible call into native code, compared with the read of a session.
import { emptyFunction } from '../floor/build.mjs';
import { withCandidates } from '../frame/child.mjs';
import { dataOf, Ids } from '../frame/data.mjs';
import { takeTurns } from '../frame/rounds.mjs';
import { tableOf } from '../frame/table.mjs';
import { stores } from '../candidates/stores.mjs';

const CALLS = 2_000;

/** The time of a call in nanoseconds; the arguments are made before. */
function timed(call, makeArguments, ms) {
  const end = performance.now() + ms;
  let [calls, took] = [0, 0];
  for (; performance.now() < end; calls += CALLS) {
    const all = makeArguments(CALLS);
    const start = performance.now();
    for (const argument of all) call(argument);
    took += performance.now() - start;
  }
  return (took / calls) * 1e6;
}

export const candidates = {
  'an empty native function': ({ ms }) => {
    const empty = emptyFunction();
    const numbers = Array.from({ length: CALLS }, (_, n) => n);
    return { measure: () => timed(empty, () => numbers, ms) };
  },
  'an empty JavaScript function': ({ ms }) => {
    const numbers = Array.from({ length: CALLS }, (_, n) => n);
    const empty = (n) => n;
    return { measure: () => timed(empty, () => numbers, ms) };
  },
  'agai-session: a session got by its id': ({ ms }) => ofStore('get', ms),
  'agai-session: an id that is not there': ({ ms }) => ofStore('miss', ms),
  'agai-session: a touch': ({ ms }) => ofStore('touch', ms),
};

function ofStore(what, ms) {
  const store = stores['agai-session']();
  const ids = new Ids(1_000);
  const text = JSON.stringify(dataOf(300));
  for (let n = 0; n < 1_000; n += 1) ids.add(store.create(text));
  const { backend } = store;
  const calls = { get: store.get, touch: store.touch, miss: (id) => backend.load(id, false) };
  if (what === 'miss') for (let n = 0; n < 1_000; n += 1) store.destroy(ids.at(n));
  return { measure: () => timed(calls[what], (count) => ids.take(count), ms), close: store.close };
}

export async function run(scale) {
  return withCandidates(import.meta.url, Object.keys(candidates), { ms: scale.ms }, async (started) => {
    await takeTurns(1, started, (ask) => ask('measure'));
    const figures = await takeTurns(scale.rounds, started, (ask) => ask('measure'));
    const rows = Object.fromEntries(Object.entries(figures).map(([name, all]) => [name, { 'a call': all }]));
    return {
      tables: [tableOf({ id: 'call-floor', title: 'A call into native code', unit: 'nanoseconds', figures: rows })],
    };
  });
}
