// The cost of the disk: for the JavaScript thread at each commit, for the event loop while the disk is slow or busy, and at the opening.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dataOf, load, longestStall, median, million, pause, require, roomy, show, threadTime } from './common.mjs';

/** Calls `work` with a directory that is removed afterwards. */
async function inDirectory(work) {
  const directory = mkdtempSync(join(tmpdir(), 'agai-session-'));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Makes `count` commits, with a given number of them in flight at a time. */
async function commit(store, ids, data, count, inFlight) {
  let made = 0;
  const lane = async () => {
    while (made < count) {
      made += 1;
      await store.commit(ids[made % ids.length], undefined, data);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
}

export function durableCommit() {
  return inDirectory(async (directory) => {
    const { SessionStore } = load();
    const data = dataOf(300);
    const stores = { 'in memory': new SessionStore(roomy) };
    for (const durability of ['none', 'os']) {
      stores[durability] = await SessionStore.open({ ...roomy, path: join(directory, durability), durability });
    }
    const ids = {};
    for (const [kind, store] of Object.entries(stores)) {
      const made = await Promise.all(Array.from({ length: 1_000 }, () => store.create(data)));
      ids[kind] = made.map(({ id }) => id);
    }
    const times = {};
    for (let round = 0; round < 15; round++) {
      for (const [inFlight, count] of [
        [64, 20_000],
        [1, 5_000],
      ]) {
        for (const [kind, store] of Object.entries(stores)) {
          const start = threadTime();
          await commit(store, ids[kind], data, count, inFlight);
          (times[`${kind}, ${inFlight} in flight`] ??= []).push((threadTime() - start) / count);
        }
      }
    }
    await Promise.all([stores.none.close(), stores.os.close()]);
    const over = (inFlight) => {
      const [none, os] = ['none', 'os'].map((kind) => times[`${kind}, ${inFlight} in flight`]);
      return Math.round(median(os.map((ns, round) => ns - none[round])));
    };
    const middle = Object.entries(times).map(([kind, all]) => [`CPU ns a commit, ${kind}`, Math.round(median(all))]);
    return {
      ...Object.fromEntries(middle),
      "'os' over 'none', 64 in flight, ns": over(64),
      "'os' over 'none', 1 in flight, ns": over(1),
    };
  });
}

/** Reads and writes in every turn of the event loop, as requests do, while `work` runs. Returns the longest stall and the number of writes. */
async function underLoad(store, ids, data, work) {
  let isOver = false;
  let writes = 0;
  const turn = () => {
    if (isOver) return;
    for (let n = 0; n < 20; n++) store.get(ids[(writes * 7 + n) % ids.length]);
    for (let n = 0; n < 4; n++) {
      writes += 1;
      // A write that waits for a frozen disk is settled later, or never.
      store.commit(ids[writes % ids.length], undefined, data).catch(() => {});
    }
    setImmediate(turn);
  };
  turn();
  const stall = await longestStall(work);
  isOver = true;
  return { stall, writes };
}

export function loopDelay() {
  return inDirectory(async (directory) => {
    const frozen =
      process.getuid() === 0 ? await frozenDisk(directory) : { 'the disk frozen for 1 s': 'skipped: needs root' };
    return { ...frozen, ...(await checkpoints(directory)) };
  });
}

/** Freezes an ext4 file system in a file for a second. */
async function frozenDisk(directory) {
  const { SessionStore } = load();
  const data = dataOf(300);
  const [image, mount] = [join(directory, 'image'), join(directory, 'mount')];
  mkdirSync(mount);
  execFileSync('truncate', ['--size=512M', image]);
  execFileSync('mkfs.ext4', ['-q', image]);
  execFileSync('mount', ['-o', 'loop', image, mount]);
  const stalls = { frozen: [], usual: [] };
  try {
    const store = await SessionStore.open({ ...roomy, path: join(mount, 'sessions.data') });
    const made = await Promise.all(Array.from({ length: 10_000 }, () => store.create(data)));
    const ids = made.map(({ id }) => id);
    for (let round = 0; round < 5; round++) {
      stalls.usual.push((await underLoad(store, ids, data, () => pause(1_000))).stall);
      await store.flush();
      execFileSync('fsfreeze', ['--freeze', mount]);
      try {
        stalls.frozen.push((await underLoad(store, ids, data, () => pause(1_000))).stall);
      } finally {
        execFileSync('fsfreeze', ['--unfreeze', mount]);
      }
      await store.flush();
    }
    await store.close();
  } finally {
    execFileSync('umount', ['--lazy', mount]);
  }
  return {
    'longest stall under load, ms, median of 5: the disk frozen for 1 s': show(stalls.frozen),
    'longest stall under load, ms: the disk as usual': show(stalls.usual),
  };
}

/** Creates sessions, not all in flight at once. */
async function fill(store, data, count) {
  const ids = [];
  while (ids.length < count) {
    const made = await Promise.all(
      Array.from({ length: Math.min(10_000, count - ids.length) }, () => store.create(data)),
    );
    for (const { id } of made) ids.push(id);
  }
  return ids;
}

async function checkpoints(directory) {
  const { SessionStore } = load();
  const data = dataOf(400);
  const store = await SessionStore.open({ ...roomy, path: join(directory, 'million.data') });
  const ids = await fill(store, data, million);
  const stalls = { checkpoint: [], usual: [] };
  const rates = [];
  const took = [];
  for (let round = 0; round < 5; round++) {
    await store.flush();
    global.gc();
    const start = performance.now();
    const { stall, writes } = await underLoad(store, ids, data, () => store.checkpoint());
    took.push((performance.now() - start) / 1_000);
    rates.push(writes / took.at(-1));
    stalls.checkpoint.push(stall);
    await store.flush();
    global.gc();
    stalls.usual.push((await underLoad(store, ids, data, () => pause(took.at(-1) * 1_000))).stall);
  }
  await store.close();
  return {
    'longest stall under load, ms, median of 5: a checkpoint of 1 million sessions of 400 bytes': show(
      stalls.checkpoint,
    ),
    'longest stall under load, ms: as long without a checkpoint': show(stalls.usual),
    'seconds that the checkpoint took beside it': show(took),
    'commits a second beside it': Math.round(median(rates)),
  };
}

/** Opens, each time in a new process, the files that a kill would leave: a snapshot of so many sessions, and commits after it. */
export function recoveries({ sessions, commits, rounds }) {
  return inDirectory(async (directory) => {
    const { SessionStore } = load();
    const path = join(directory, 'sessions.data');
    const data = dataOf(400);
    const many = { ...roomy, maxSessions: Math.max(roomy.maxSessions, sessions) };
    const store = await SessionStore.open({ ...many, path: `${path}-open` });
    const ids = await fill(store, data, sessions);
    await store.checkpoint();
    await commit(store, ids, data, commits, 1_000);
    await store.flush();
    // As a kill would leave the files: a close would write a snapshot of everything.
    cpSync(`${path}-open`, path, { recursive: true });
    await store.close();
    const source = `
      const { SessionStore } = require(${JSON.stringify(require.resolve('agai-session'))});
      const { readFileSync } = require('node:fs');
      const kib = (field) => Number(new RegExp(field + ':\\\\s+(\\\\d+)').exec(readFileSync('/proc/self/status', 'utf8'))[1]);
      const before = kib('VmRSS');
      let last = performance.now();
      let stall = 0;
      const look = setInterval(() => { stall = Math.max(stall, performance.now() - last - 1); last = performance.now(); }, 1);
      const start = performance.now();
      SessionStore.open(${JSON.stringify({ ...many, path })}).then((store) => {
        const seconds = (performance.now() - start) / 1_000;
        clearInterval(look);
        const [peak, steady] = [kib('VmHWM'), kib('VmRSS')];
        const { sessions, records } = store.recovery;
        console.log(JSON.stringify({ seconds, stall, before, peak, steady, sessions, records }));
        process.exit();
      });`;
    return Array.from({ length: rounds }, () =>
      JSON.parse(execFileSync(process.execPath, ['-e', source], { encoding: 'utf8' })),
    );
  });
}

export async function recovery() {
  const runs = await recoveries({ sessions: million, commits: 200_000, rounds: 5 });
  const [{ sessions, records, steady }] = runs;
  return {
    'sessions of 400 bytes': sessions,
    'records in the log behind the snapshot': records,
    'seconds to open, median of 5': show(runs.map(({ seconds }) => seconds)),
    'MiB when it is open': Math.round(steady / 1_024),
    'memory at the peak, against that': median(runs.map((run) => run.peak / run.steady)).toFixed(2),
    'the same without what Node.js has before': median(
      runs.map((run) => (run.peak - run.before) / (run.steady - run.before)),
    ).toFixed(2),
    'longest stall of the event loop meanwhile, ms': show(runs.map(({ stall }) => stall)),
  };
}
