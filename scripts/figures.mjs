// Measures what the package promises about memory, stalls, idleness and exit, and prints a table: `npm run figures`.
//   figures.mjs NAME   runs one of them in this process and prints its figures as JSON
// Each runs in a process of its own. docs/figures.md holds the results and says what they were measured on.
import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { setup, root } from './setup.mjs';

const require = createRequire(import.meta.url);
const script = fileURLToPath(import.meta.url);
const million = 1_000_000;
const roomy = { maxSessions: 2 * million, maxBytes: '8GiB', absoluteTimeout: '30d' };
/** A session of exactly 300 bytes of JSON text. */
const data = { text: 'x'.repeat(300 - '{"text":""}'.length) };

const load = () => ({ ...require('agai-session'), ...require('agai-session/testing') });
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const threads = () => readdirSync('/proc/self/task').length;

/** Resident memory now, garbage collected. */
function resident() {
  global.gc();
  global.gc();
  return { rss: process.memoryUsage.rss(), heap: process.memoryUsage().heapUsed };
}

/** The longest time in milliseconds for which the event loop did not turn while `work` was under way. */
async function longestStall(work) {
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

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

const figures = {
  async memory() {
    const { SessionStore } = load();
    const store = new SessionStore(roomy);
    store.create(data);
    const before = resident();
    for (let n = 0; n < million; n++) store.create(data);
    const after = resident();
    return {
      'sessions of 300 bytes': million,
      'resident bytes a session beyond its data': Math.round((after.rss - before.rss) / million - 300),
      'bytes a session on the V8 heap': Math.max(0, Math.round((after.heap - before.heap) / million)),
      'bytes a session by store.bytes, beyond its data': Math.round(store.bytes / store.size - 300),
    };
  },

  async 'mass expiry'() {
    const { SessionStore, ManualClock } = load();
    const clock = new ManualClock();
    const store = new SessionStore({ ...roomy, clock });
    let reported = 0;
    let mostInOneTurn = 0;
    let thisTurn = 0;
    store.on('expired', () => {
      reported += 1;
      thisTurn += 1;
    });
    const rounds = { expiring: [], undisturbed: [], took: [], memory: [] };
    let goneAtOnce = true;
    for (let round = 1; round <= 5; round++) {
      const ids = [];
      for (let n = 0; n < million; n++) {
        const { id } = store.create(data);
        if (n % 100_000 === 0) ids.push(id);
      }
      rounds.memory.push(process.memoryUsage.rss());
      global.gc();
      await pause(200);
      rounds.undisturbed.push(await longestStall(() => pause(2_000)));
      const start = performance.now();
      const stall = await longestStall(async () => {
        clock.advance('31m');
        goneAtOnce &&= ids.every((id) => !store.has(id));
        // oxlint-disable-next-line no-unmodified-loop-condition -- the listener above counts
        while (reported < round * million) {
          await new Promise(setImmediate);
          mostInOneTurn = Math.max(mostInOneTurn, thisTurn);
          thisTurn = 0;
        }
      });
      rounds.expiring.push(stall);
      rounds.took.push(performance.now() - start);
    }
    const show = (values) => `${median(values).toFixed(1)} (${values.map((value) => value.toFixed(1)).join(', ')})`;
    return {
      'sessions that expire in one instant': million,
      'longest stall of the event loop, ms, median of 5 rounds': show(rounds.expiring),
      'the same on this machine while nothing expires': show(rounds.undisturbed),
      'gone for readers at once': goneAtOnce,
      'expirations reported in all': reported,
      'most events in one turn of the loop': mostInOneTurn,
      'seconds until the last was reported': (median(rounds.took) / 1_000).toFixed(1),
      'memory when refilled for the fifth time, against the second': (rounds.memory[4] / rounds.memory[1]).toFixed(2),
    };
  },

  async call() {
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
  },

  async touches() {
    const { SessionStore } = load();
    const store = new SessionStore();
    const { id } = store.create(data);
    for (let n = 0; n < 100_000; n++) store.touch(id);
    const before = resident();
    for (let n = 0; n < 100_000; n++) store.touch(id);
    const after = resident();
    return { touches: 100_000, 'resident bytes they left': Math.max(0, after.rss - before.rss) };
  },

  async idle() {
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
  },

  async workers() {
    const before = threads();
    const rounds = 50;
    const source = `
      const { SessionStore } = require(${JSON.stringify(require.resolve('agai-session'))});
      const { parentPort } = require('node:worker_threads');
      const store = new SessionStore({ guestIdleTimeout: 50 });
      store.on('expired', () => {});
      parentPort.postMessage('ready');
      for (;;) { const { id } = store.create({ n: 1 }); store.update(id, (data) => { data.n += 1; }); }`;
    const start = performance.now();
    for (let round = 0; round < rounds; round++) {
      const workers = Array.from({ length: 20 }, () => new Worker(source, { eval: true }));
      await Promise.all(
        workers.map(
          (worker) => new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject)),
        ),
      );
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
    await pause(100);
    return {
      'rounds of 20 workers terminated mid-call': rounds,
      'threads more than before': threads() - before,
      seconds: Math.round((performance.now() - start) / 1_000),
    };
  },

  async exit() {
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
  },
};

/** How often an expiry thread was scheduled. */
function switches(task) {
  const status = readFileSync(`/proc/self/task/${task}/status`, 'utf8');
  if (!status.startsWith('Name:\tsession-expiry')) return 0;
  return Number(/^voluntary_ctxt_switches:\t(\d+)/m.exec(status)[1]);
}

const [name] = process.argv.slice(2);
if (name) {
  console.log(JSON.stringify(await figures[name]()));
} else {
  setup();
  for (const figure of Object.keys(figures)) {
    const output = execFileSync(process.execPath, ['--expose-gc', script, figure], {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 2 ** 24,
    });
    console.log(`\n${figure}`);
    for (const [what, value] of Object.entries(JSON.parse(output))) console.log(`  ${what}: ${String(value)}`);
  }
}
