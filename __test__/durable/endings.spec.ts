/**
 * However a process ends while it writes, every acknowledged write is there afterwards, and every session that was ended is gone.
 *
 * Each ending once with each durability; AGAI_SESSION_FULL=1 makes it 20 times, AGAI_SESSION_SEED another run.
 */
import { dirname } from 'node:path';
import test from 'ava';
import { DURABILITIES, freshPath, openStore } from '../helpers/durable.js';
import { runFixture } from '../helpers/fixture.js';
import { isFullRun, Ledger, report, SEED, type Data } from '../helpers/ledger.js';

const ROUNDS = isFullRun ? 20 : 1;

/** Ways in which a process ends, and the exit code or the signal. */
const endings: Readonly<Record<string, number | string>> = {
  'process.exit': 0,
  'process.reallyExit': 0,
  'exit in a listener of exit': 3,
  'an uncaught exception': 1,
  'an unhandled rejection': 1,
  'process.abort': 'SIGABRT',
  SIGTERM: 'SIGTERM',
  SIGINT: 'SIGINT',
  SIGHUP: 'SIGHUP',
  SIGABRT: 'SIGABRT',
  SIGSEGV: 'SIGSEGV',
  SIGKILL: 'SIGKILL',
  'SIGTERM and a close': 0,
  'an exhausted heap': 'SIGABRT',
  'a worker that is terminated': 'SIGKILL',
};

for (const [way, end] of Object.entries(endings)) {
  test(`${way} during writes loses nothing acknowledged and brings no ended session back`, async (t) => {
    const lost: string[] = [];
    let checked = 0;
    for (const durability of DURABILITIES) {
      for (let round = 0; round < ROUNDS; round += 1) {
        const path = freshPath(t);
        const outcome = await runFixture('endings.mjs', {
          args: [way, path, durability, String(SEED + round)],
          flags: way === 'an exhausted heap' ? ['--max-old-space-size=24'] : [],
          cwd: dirname(path),
        });
        t.is(outcome.signal ?? outcome.code, end, outcome.stderr);
        const ledger = new Ledger();
        t.true(ledger.takeLines(outcome.stdout) >= 100, 'it did its work first');
        const store = await openStore<Data>(t, { path, durability });
        const result = ledger.check(store);
        checked += result.checked;
        lost.push(...result.lost.map((what) => `${durability}, round ${round}: ${what}`));
        await store.close();
      }
    }
    report(t, { test: way, seed: SEED, faults: ROUNDS * DURABILITIES.length, checked, lost });
  });
}
