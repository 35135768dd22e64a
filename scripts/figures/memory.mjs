// Memory, and the effects of many sessions that expire at once.
import { dataOf, load, longestStall, median, million, pause, resident, roomy, show } from './common.mjs';

const data = dataOf(300);

export async function memory() {
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
}

/** Fills a store with sessions of users, each with so many, and returns its resident bytes a session beyond data and user id. */
function residentOfUsers(sessionsOfEach) {
  const { SessionStore } = load();
  const store = new SessionStore({ ...roomy, maxSessionsPerUser: Infinity });
  // In base 36, because the engine keeps the decimal texts of numbers.
  const uidOf = (n) => (1e9 + (n % (million / sessionsOfEach))).toString(36).padStart(8, '0');
  store.create(data, { uid: 'somebody' });
  const before = resident();
  for (let n = 0; n < million; n++) store.create(data, { uid: uidOf(n) });
  const { rss } = resident();
  const counted = store.bytes / store.size;
  store.close();
  const beyond = (bytes) => Math.round(bytes - 300 - uidOf(0).length);
  return [beyond((rss - before.rss) / million), beyond(counted)];
}

/** With the index by user; each case in a process of its own. */
export function memoryOfFewUsers() {
  const [bytes, counted] = residentOfUsers(100);
  return {
    'resident bytes a session beyond data and user id, 100 sessions a user': bytes,
    'the same by store.bytes': counted,
  };
}

export function memoryOfManyUsers() {
  const [bytes, counted] = residentOfUsers(1);
  return {
    'resident bytes a session beyond data and user id, one session a user': bytes,
    'the same by store.bytes': counted,
  };
}

/** Lets so many sessions expire in one instant, round by round. Returns the figures of each round. */
export async function expireAtOnce({ sessions, rounds, watched }) {
  const { SessionStore, ManualClock } = load();
  const clock = new ManualClock();
  const store = new SessionStore({ ...roomy, clock });
  let reported = 0;
  let mostInOneTurn = 0;
  let thisTurn = 0;
  store.on('expired', () => {
    // Everything before the next immediate happens in one turn of the event loop.
    if (thisTurn === 0) setImmediate(() => (thisTurn = 0));
    reported += 1;
    thisTurn += 1;
    mostInOneTurn = Math.max(mostInOneTurn, thisTurn);
  });
  const seen = { expiring: [], undisturbed: [], took: [], memory: [] };
  let goneAtOnce = true;
  for (let round = 1; round <= rounds; round++) {
    const ids = [];
    for (let n = 0; n < sessions; n++) {
      const { id } = store.create(data);
      if (n % 100_000 === 0) ids.push(id);
    }
    seen.memory.push(process.memoryUsage.rss());
    global.gc();
    await pause(200);
    seen.undisturbed.push(await longestStall(() => pause(watched)));
    const start = performance.now();
    const stall = await longestStall(async () => {
      clock.advance('31m');
      goneAtOnce &&= ids.every((id) => !store.has(id));
      // With the same pauses as while nothing expires: the measurement must not make garbage whose collection it then measures.
      // oxlint-disable-next-line no-unmodified-loop-condition -- the listener above counts
      while (reported < round * sessions) await pause(1);
    });
    seen.expiring.push(stall);
    seen.took.push(performance.now() - start);
  }
  store.close();
  return { ...seen, goneAtOnce, reported, mostInOneTurn };
}

export async function massExpiry() {
  const seen = await expireAtOnce({ sessions: million, rounds: 5, watched: 3_500 });
  return {
    'sessions that expire in one instant': million,
    'longest stall of the event loop, ms, median of 5 rounds': show(seen.expiring),
    'the same on this machine while nothing expires': show(seen.undisturbed),
    'gone for readers at once': seen.goneAtOnce,
    'expirations reported in all': seen.reported,
    'most events in one turn of the loop': seen.mostInOneTurn,
    'seconds until the last was reported': (median(seen.took) / 1_000).toFixed(1),
    'memory when refilled for the fifth time, against the second': (seen.memory[4] / seen.memory[1]).toFixed(2),
  };
}

export async function touches() {
  const { SessionStore } = load();
  const store = new SessionStore();
  const { id } = store.create(data);
  for (let n = 0; n < 100_000; n++) store.touch(id);
  const before = resident();
  for (let n = 0; n < 100_000; n++) store.touch(id);
  const after = resident();
  return { touches: 100_000, 'resident bytes they left': Math.max(0, after.rss - before.rss) };
}
