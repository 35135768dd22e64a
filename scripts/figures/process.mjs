// The cost of a call, and the effects of a store on its process: idle, in workers, at the exit.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { dataOf, load, median, pause, require, roomy, threads } from './common.mjs';

const data = dataOf(300);

export async function call() {
  const { SessionStore } = load();
  const store = new SessionStore();
  const ids = Array.from({ length: 1_000 }, () => store.create(data).id);
  const headers = ids.map((id) => `theme=dark; id=${id}; lang=en`);
  const find = store.backend.cookieReader('id');
  const kinds = {
    'a session found by its cookie, ns': (n) => find(headers[n % 1_000], true),
    'the same and its data taken': (n) => find(headers[n % 1_000], true).data.length,
    'a forged id': (n) => find(`id=${String(n).padStart(43, 'A')}`, true),
    'no cookie of ours': () => find('theme=dark; lang=en', true),
    'the cheapest method of a class, for comparison': () => store.backend.now(),
  };
  const times = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []]));
  for (let round = 0; round < 15; round++) {
    for (const [kind, call] of Object.entries(kinds)) {
      const start = performance.now();
      for (let n = 0; n < 100_000; n++) call(n);
      times[kind].push((performance.now() - start) * 10);
    }
  }
  return Object.fromEntries(Object.entries(times).map(([kind, all]) => [kind, Math.round(median(all))]));
}

export async function idle() {
  const { SessionStore } = load();
  const empty = new SessionStore();
  const filled = new SessionStore(roomy);
  for (let n = 0; n < 100_000; n++) filled.create(data);
  await pause(500);
  const ticks = () => readdirSync('/proc/self/task').reduce((sum, task) => sum + switches(task), 0);
  const before = ticks();
  await pause(5_000);
  const woken = ticks() - before;
  return {
    'seconds watched': 5,
    "wake-ups of the two stores' expiry threads": woken,
    sessions: empty.size + filled.size,
  };
}

/** The number of times that an expiry thread was scheduled. */
function switches(task) {
  const status = readFileSync(`/proc/self/task/${task}/status`, 'utf8');
  if (!status.startsWith('Name:\tsession-expiry')) return 0;
  return Number(/^voluntary_ctxt_switches:\t(\d+)/m.exec(status)[1]);
}

export async function workers() {
  const before = threads();
  const rounds = 50;
  const source = `
    const { SessionStore } = require(${JSON.stringify(require.resolve('agai-session'))});
    const { parentPort } = require('node:worker_threads');
    const store = new SessionStore({ guestIdleTimeout: '50ms' });
    store.on('expired', () => {});
    parentPort.postMessage('ready');
    for (;;) { const { id } = store.create({ n: 1 }); store.update(id, (data) => { data.n += 1; }); }`;
  const start = performance.now();
  for (let round = 0; round < rounds; round++) {
    const workers = Array.from({ length: 20 }, () => new Worker(source, { eval: true }));
    await Promise.all(
      workers.map((worker) => new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))),
    );
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  await pause(100);
  return {
    'rounds of 20 workers terminated mid-call': rounds,
    'threads more than before': threads() - before,
    seconds: Math.round((performance.now() - start) / 1_000),
  };
}

export async function exit() {
  const source = `const { SessionStore } = require(${JSON.stringify(require.resolve('agai-session'))});
    const store = new SessionStore(); store.on('expired', () => {}); store.create({ n: 1 });
    process.stdout.write('done')`;
  const times = [];
  for (let n = 0; n < 20; n++) {
    const child = spawn(process.execPath, ['-e', source]);
    const done = await new Promise((resolve) => child.stdout.once('data', () => resolve(performance.now())));
    const code = await new Promise((resolve) => child.once('exit', resolve));
    if (code !== 0) throw new Error(`exit code ${code}`);
    times.push(performance.now() - done);
  }
  times.sort((a, b) => a - b);
  return {
    'milliseconds from the last line to the exit, median of 20': Math.round(times[10]),
    slowest: Math.round(times[19]),
  };
}
