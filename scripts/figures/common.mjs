// Functions that the figures share.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

export const require = createRequire(import.meta.url);
export const million = 1_000_000;
export const roomy = { maxSessions: 2 * million, maxBytes: '8GiB', absoluteTimeout: '30d' };

/** A session's data of exactly so many bytes of JSON text. */
export const dataOf = (bytes) => ({ text: 'x'.repeat(bytes - '{"text":""}'.length) });

/** The package as its users load it. */
export const load = () => ({ ...require('agai-session'), ...require('agai-session/testing') });
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export const threads = () => readdirSync('/proc/self/task').length;

/** The resident memory after a garbage collection. */
export function resident() {
  global.gc();
  global.gc();
  return { rss: process.memoryUsage.rss(), heap: process.memoryUsage().heapUsed };
}

/** The CPU time of this thread in nanoseconds; where the system does not report it, the elapsed time. */
export function threadTime() {
  if (process.platform !== 'linux') return performance.now() * 1e6;
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]);
}

/** The longest stall of the event loop while `work` runs, in milliseconds. */
export async function longestStall(work) {
  let longest = 0;
  let watching = true;
  let last = performance.now();
  const look = () => {
    const now = performance.now();
    if (now - last > longest) longest = now - last;
    last = now;
    if (watching) setImmediate(look);
  };
  setImmediate(look);
  await work();
  watching = false;
  return longest;
}

export const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** The median and all values. */
export const show = (values) => `${median(values).toFixed(1)} (${values.map((value) => value.toFixed(1)).join(', ')})`;
