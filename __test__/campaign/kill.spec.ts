/**
 * A process is killed again and again, at any moment, also while it writes a checkpoint and while it opens its store. Every acknowledged
 * write is there afterwards.
 *
 * 63 kills; AGAI_SESSION_FULL=1 makes it 1,008, AGAI_SESSION_SEED another run:
 *   AGAI_SESSION_FULL=1 npx ava --timeout=30m __test__/campaign/kill.spec.ts
 */
import { fork } from 'node:child_process';
import { SessionStore } from 'agai-session';
import test from 'ava';
import { endOf } from '../helpers/child.js';
import { DURABILITIES, freshPath } from '../helpers/durable.js';
import { fixturePath } from '../helpers/fixture.js';
import { isFullRun, Ledger, report, SEED, type Data, type Message } from '../helpers/ledger.js';

/** The phases in which a child is killed, in turn. */
const MOMENTS = ['any', 'checkpoint', 'opening'] as const;
const ROUNDS = isFullRun ? 112 : 7;

interface Phase {
  readonly phase: 'opening' | 'open' | 'checkpoint';
}

/** Runs a child until it is killed; returns the phase it was in. */
async function live(args: readonly [string, string, number, string], ledger: Ledger): Promise<Phase['phase']> {
  const [, , seed, moment] = args;
  const child = fork(fixturePath('kill-campaign.mjs'), args.map(String), {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const ended = endOf(child);
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  let phase: Phase['phase'] = 'opening';
  let isDue = false;
  const kill = (longest: number): void => {
    if (isDue) return;
    isDue = true;
    setTimeout(() => child.kill('SIGKILL'), seed % longest);
  };
  child.on('message', (message: Message | Phase) => {
    if ('phase' in message) {
      ({ phase } = message);
      if (phase === moment) kill(12);
    } else if (ledger.take(message) && moment === 'any') {
      kill(120);
    }
  });
  const { signal } = await ended;
  if (signal !== 'SIGKILL') throw new Error(`the child ended by itself: ${errors}`);
  return phase;
}

for (const durability of DURABILITIES) {
  test.serial(`${durability}: kill -9 loses no acknowledged write and brings no ended session back`, async (t) => {
    const path = freshPath(t);
    const ledger = new Ledger();
    const lost: string[] = [];
    const hits = { open: 0, checkpoint: 0, opening: 0 };
    let checked = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [place, moment] of MOMENTS.entries()) {
        hits[await live([path, durability, SEED + (round * MOMENTS.length + place) * 7_919, moment], ledger)] += 1;
        // The next child may be killed before it has opened what this one left, so not every kill is checked by a completed opening.
        if (moment === 'checkpoint') continue;
        const store = await SessionStore.open<Data>({ path, durability, maxBytes: '256MiB' });
        const result = ledger.check(store);
        checked += result.checked;
        lost.push(...result.lost.map((what) => `kill ${round}, ${moment}: ${what}`));
        await store.close();
      }
    }
    t.true(hits.checkpoint > 0 && hits.opening > 0, 'each moment was hit');
    const more = `of which ${hits.checkpoint} in a checkpoint, ${hits.opening} in an opening`;
    report(t, { test: `kill -9, ${durability}`, seed: SEED, faults: ROUNDS * MOMENTS.length, checked, lost, more });
  });
}
