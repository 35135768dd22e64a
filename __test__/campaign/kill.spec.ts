/**
 * A process is killed at any moment, again and again, and what it was told is kept is there.
 *
 * 60 kills; AGAI_SESSION_FULL=1 makes it 1,000, AGAI_SESSION_SEED another run:
 *   AGAI_SESSION_FULL=1 npx ava --timeout=30m __test__/campaign/kill.spec.ts
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { SessionStore } from 'agai-session';
import test from 'ava';
import { DURABILITIES, freshPath } from '../helpers/durable.js';

const CHILD = fileURLToPath(new URL('../fixtures/kill-campaign.mjs', import.meta.url));
const KILLS = process.env.AGAI_SESSION_FULL ? 1_000 : 60;
const SEED = Number(process.env.AGAI_SESSION_SEED ?? 20_261_122);
/** The longest that a child lives after its first acknowledgement, in milliseconds. */
const LONGEST_LIFE = 120;

interface Message {
  readonly name: string;
  readonly id?: string;
  readonly n?: number;
  /** An id that must not come back. */
  readonly dead?: string;
  /** The session is about to lose its id. */
  readonly leaving?: true;
  readonly ended?: true;
}

/** What is known of a session. */
interface Known {
  id: string | undefined;
  n: number;
  leaving: boolean;
}

/** Runs a child until it is killed; notes what it was told. */
async function live(path: string, durability: string, seed: number, known: Map<string, Known>, dead: Set<string>) {
  const child = fork(CHILD, [path, durability, String(seed)], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  let acknowledged = 0;
  child.on('message', (message: Message) => {
    if (acknowledged === 0) setTimeout(() => child.kill('SIGKILL'), seed % LONGEST_LIFE);
    const session = known.get(message.name) ?? { id: undefined, n: -1, leaving: false };
    known.set(message.name, session);
    session.leaving = message.leaving === true;
    if (message.dead !== undefined) dead.add(message.dead);
    if (message.ended) session.id = undefined;
    if (message.id !== undefined) session.id = message.id;
    if (message.n !== undefined) session.n = message.n;
    if (!message.leaving) acknowledged += 1;
  });
  const signal = await new Promise((resolve) => child.on('exit', (_code, signal) => resolve(signal)));
  if (signal !== 'SIGKILL') throw new Error(`the child ended by itself: ${errors}`);
  return acknowledged;
}

for (const durability of DURABILITIES) {
  test.serial(`${durability}: kill -9 loses nothing that was acknowledged and brings nothing back`, async (t) => {
    const path = freshPath(t);
    const known = new Map<string, Known>();
    const dead = new Set<string>();
    const kills = Math.ceil(KILLS / DURABILITIES.length);
    let checked = 0;
    for (let kill = 0; kill < kills; kill += 1) {
      const seed = SEED + kill * 7_919;
      await live(path, durability, seed, known, dead);
      const store = await SessionStore.open<{ name: string; n: number }>({ path, maxBytes: '64MiB' });
      for (const [name, { id, n, leaving }] of known) {
        if (id === undefined) continue;
        const session = store.get(id);
        if (session === undefined && leaving) {
          // It may have ended, or moved to an id that nobody was told of.
          known.delete(name);
          continue;
        }
        t.true(session !== undefined, `AGAI_SESSION_SEED=${SEED}, kill ${kill}: ${name} is lost`);
        t.true(
          session!.data.n >= n,
          `AGAI_SESSION_SEED=${SEED}, kill ${kill}: ${name} is at ${session!.data.n}, not ${n}`,
        );
        checked += 1;
      }
      const back = [...dead].filter((id) => store.has(id));
      t.deepEqual(back, [], `AGAI_SESSION_SEED=${SEED}, kill ${kill}: ended sessions came back`);
      checked += dead.size;
      // Now and then it goes on from a store that was closed, else from one that is killed as well.
      await store.close();
    }
    t.true(checked > kills, 'there was something to check');
    t.log(`kill -9, ${durability} | seed ${SEED} | ${kills} kills | ${checked} acknowledgements checked | 0 lost`);
  });
}
