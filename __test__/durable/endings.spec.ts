/**
 * However a process ends with writes under way, what it was told that is kept is there, and what it was told that is gone is gone.
 *
 * Each ending once in each durability; AGAI_SESSION_FULL=1 makes it 20 times, AGAI_SESSION_SEED another run.
 */
import { dirname } from 'node:path';
import test from 'ava';
import { DURABILITIES, freshPath, openStore } from '../helpers/durable.js';
import { runFixture } from '../helpers/fixture.js';
import { isFullRun, Ledger, report, SEED, type Data } from '../helpers/ledger.js';

const ROUNDS = isFullRun ? 20 : 1;

/** Each way, and the code or the signal that the process ends with. */
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
  test(`${way}, with writes under way: nothing acknowledged is lost, and nothing that was ended comes back`, async (t) => {
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
