/** A store without references is garbage-collected, even an open one, and its expiry thread ends. */
import test from 'ava';
import { runFixture } from '../helpers/fixture.js';

interface Answer {
  stores: number;
  alive: number;
  finalized: number;
  threads: { before: number; open: number; after: number };
  kept: object;
}

test('stores without references are collected with their threads even if they were never closed, and no other store is', async (t) => {
  const outcome = await runFixture('collect.mjs', { flags: ['--expose-gc'] });
  t.is(outcome.code, 0, outcome.stderr);
  const { stores, alive, finalized, threads, kept } = outcome.answer<Answer>();
  t.is(alive, 0);
  t.is(finalized, stores);
  t.deepEqual(kept, { kept: true });
  if (process.platform === 'linux') {
    t.deepEqual(threads, { before: 1, open: 1 + stores, after: 1 });
  }
});
