// The effect of many stored sessions on a process: on its memory, its garbage collection and its event loop.
//
// Each candidate is a process with so many sessions, which then serves mocked requests (frame/mocked.mjs) at 5,000 a second: nine read
// their session, the tenth writes it. An empty process serves as many without any session. A process with a thousand sessions does the same
// work as one with millions, so the difference is due to the stored sessions.
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import { resident } from '../../scripts/figures/common.mjs';
import { middlewares } from '../candidates/middlewares.mjs';
import { withCandidates } from '../frame/child.mjs';
import { dataOf } from '../frame/data.mjs';
import { atRate, loginCookies } from '../frame/mocked.mjs';
import { takeTurns } from '../frame/rounds.mjs';
import { cellOf, goalOf, tableOf } from '../frame/table.mjs';

const RATE = 5_000;
const CLIENTS = 1_000;
const EMPTY = 'no session';
const OURS = 'agai-session';
const FEW = 'agai-session, 1,000 sessions';
const compared = [EMPTY, FEW, OURS, 'express-session + MemoryStore', 'express-session + lru-cache'];

/** A candidate that is filled. */
async function open(name, { sessions }) {
  const data = dataOf(300);
  const text = JSON.stringify(data);
  const candidate = await middlewares[name === FEW ? OURS : name]();
  const cookies = await loginCookies(candidate, data, Math.min(CLIENTS, sessions));
  const fills = candidate.fill && name !== FEW;
  const before = resident();
  if (fills) await candidate.fill(text, sessions);
  const after = resident();
  const bytes = (after.rss - before.rss) / sessions - Buffer.byteLength(text);
  return {
    facts: () => ({ bytes: fills ? bytes : undefined }),
    /** The longest garbage collection and their sum in milliseconds, and the event loop's delay. */
    async load(ms) {
      const pauses = [0];
      const observer = new PerformanceObserver((list) =>
        pauses.push(...list.getEntries().map(({ duration }) => duration)),
      );
      const delay = monitorEventLoopDelay({ resolution: 1 });
      observer.observe({ entryTypes: ['gc'] });
      delay.enable();
      const served = await atRate(candidate, cookies, RATE, ms);
      delay.disable();
      await new Promise(setImmediate);
      observer.disconnect();
      return {
        longestPause: Math.max(...pauses),
        paused: (1_000 * pauses.reduce((sum, pause) => sum + pause, 0)) / ms,
        delay99: delay.percentile(99) / 1e6,
        delayMax: delay.max / 1e6,
        served: (1_000 * served) / ms,
      };
    },
    close: () => candidate.close(),
  };
}

export const candidates = Object.fromEntries(compared.map((name) => [name, (options) => open(name, options)]));

const shown = {
  'longest pause of garbage collection, ms': ({ longestPause }) => longestPause,
  'garbage collection, ms a second': ({ paused }) => paused,
  'delay of the event loop, p99, ms': ({ delay99 }) => delay99,
  'longest delay, ms': ({ delayMax }) => delayMax,
  'requests served a second': ({ served }) => served,
};

async function at(sessions, scale) {
  return withCandidates(import.meta.url, compared, { sessions, heap: 16_384 }, async (started) => {
    const rounds = await takeTurns(Math.min(5, scale.rounds), started, (ask) => ask('load', scale.load));
    const figures = {};
    for (const [name, all] of Object.entries(rounds)) {
      const { bytes } = await started[name]('facts');
      figures[name] = { 'bytes a session beyond its data': bytes === undefined ? [] : [bytes] };
      for (const [column, value] of Object.entries(shown)) figures[name][column] = all.map(value);
    }
    const count = sessions.toLocaleString('en-US');
    const table = tableOf({
      id: `residence-${sessions}`,
      title: `${count} sessions of 300 bytes under ${RATE.toLocaleString('en-US')} requests a second`,
      unit: 'units in the columns',
      figures,
    });
    const [pause, , delay] = Object.keys(shown);
    const against = (column) => cellOf(table, OURS, column) / cellOf(table, FEW, column);
    table.goals = [
      goalOf('bytes a session beyond its data', cellOf(table, OURS, 'bytes a session beyond its data'), 100),
      goalOf('longest pause of garbage collection, against 1,000 sessions', against(pause), 1.2, { unit: ' of it' }),
      goalOf('delay of the event loop, p99, against 1,000 sessions', against(delay), 1.2, { unit: ' of it' }),
    ].filter(Boolean);
    return table;
  });
}

export async function run(scale) {
  const tables = [];
  for (const sessions of scale.resident) tables.push(await at(sessions, scale));
  return { tables };
}
