// Where a request's time goes, by V8's profiler: mocked requests as in middleware.mjs, with each sample attributed to the running part of this
// package or to what it calls. It shows what the minimum cost consists of. The profiler itself takes a few per cent.
import { Session } from 'node:inspector/promises';
import { withCandidates } from '../frame/child.mjs';
import { dataOf } from '../frame/data.mjs';
import { kinds, loginCookies, requestTime } from '../frame/mocked.mjs';
import { tableOf } from '../frame/table.mjs';
import { middlewares } from '../candidates/middlewares.mjs';

const OURS = 'agai-session';
const SESSIONS = 1_000;
const SAMPLE_US = 100;

const NATIVE = 'native calls: cookie header, hash, store, new string';
const JSON_ITSELF = 'JSON.parse and JSON.stringify';
const LOOK = 'seeing whether the data was changed';
const REST = 'the rest of this package';
const GARBAGE = 'garbage collection';
const BELOW = 'Node.js, and the measuring itself';

/** The part that a sample's function belongs to. The time of a built-in function counts for its caller. */
function partOf({ functionName, url }, caller) {
  if (functionName === '(garbage collector)') return GARBAGE;
  if (url === '' && caller.endsWith('/backend/native-backend.js')) return NATIVE;
  if (!url.includes('/dist/')) return BELOW;
  if (url.endsWith('/backend/json.js')) return JSON_ITSELF;
  if (url.endsWith('/session/outline.js')) return LOOK;
  return REST;
}

/** Microseconds of `time` by part. */
function byPart({ nodes, samples, timeDeltas }, time) {
  const parts = new Map();
  const callers = new Map(nodes.flatMap(({ children = [], callFrame }) => children.map((id) => [id, callFrame.url])));
  for (const { id, callFrame } of nodes) parts.set(id, partOf(callFrame, callers.get(id) ?? ''));
  const taken = Object.fromEntries([NATIVE, JSON_ITSELF, LOOK, REST, GARBAGE, BELOW].map((part) => [part, 0]));
  samples.forEach((id, at) => (taken[parts.get(id)] += timeDeltas[at]));
  const all = timeDeltas.reduce((sum, delta) => sum + delta, 0);
  return Object.fromEntries(Object.entries(taken).map(([part, of]) => [part, (of / all) * time]));
}

async function open(name, { ms, sessions }) {
  const candidate = await middlewares[name]();
  const cookies = await loginCookies(candidate, dataOf(300), sessions);
  const profiler = new Session();
  profiler.connect();
  await profiler.post('Profiler.enable');
  await profiler.post('Profiler.setSamplingInterval', { interval: SAMPLE_US });
  return {
    request: (kind) => requestTime(candidate, kind, cookies, ms),
    async profiled(kind) {
      await profiler.post('Profiler.start');
      const time = await requestTime(candidate, kind, cookies, ms);
      const { profile } = await profiler.post('Profiler.stop');
      return byPart(profile, time);
    },
    close: () => candidate.close(),
  };
}

export const candidates = { [OURS]: (options) => open(OURS, options) };

export async function run(scale) {
  const options = { ms: scale.ms * 4, sessions: Math.min(SESSIONS, scale.sessions.at(-1)) };
  return withCandidates(import.meta.url, [OURS], options, async ({ [OURS]: ask }) => {
    const figures = {};
    for (const kind of Object.keys(kinds)) {
      // The first round is a warm-up and does not count.
      await ask('request', kind);
      for (let round = 0; round < scale.rounds; round += 1) {
        for (const [part, time] of Object.entries(await ask('profiled', kind))) {
          ((figures[part] ??= {})[kind] ??= []).push(time);
        }
      }
    }
    const title = 'Where the time of a mocked request goes, 300 bytes of data';
    return { tables: [tableOf({ id: 'profile', title, unit: 'microseconds, by V8’s profiler', figures })] };
  });
}
