/** A store on disk does not keep its process alive, and what was acknowledged is there afterwards. */
import { writeFileSync } from 'node:fs';
import test from 'ava';
import { freshPath, openStore } from '../helpers/durable.js';
import { runFixture } from '../helpers/fixture.js';

interface Answer {
  readonly at: number;
  readonly ids: readonly string[];
}

const ways: [string, string][] = [
  ['an open store', 'open'],
  ['an open store with listeners', 'listeners'],
  ['a closed store', 'closed'],
  ['a store that is being closed', 'closing'],
  ['pending promises, after they resolved', 'pending'],
  ['an open store, by process.exit', 'process.exit'],
];

for (const [what, way] of ways) {
  test.serial(`a process with ${what} ends by itself, and its sessions are on the disk`, async (t) => {
    const path = freshPath(t);
    const outcome = await runFixture('durable-exit.mjs', { args: [way, path] });
    t.is(outcome.signal, null);
    t.is(outcome.code, 0, outcome.stderr);
    const { at, ids } = outcome.answer<Answer>();
    t.true(outcome.endedAt - at < 2_000, `${outcome.endedAt - at} ms from the last line to the exit`);
    const store = await openStore(t, { path });
    const live = way === 'pending' ? ids.slice(1) : ids;
    t.deepEqual(
      live.filter((id) => !store.has(id)),
      [],
    );
    if (way === 'pending') t.false(store.has(ids[0]!), 'what was destroyed stays so');
  });
}

test.serial('a process stays alive while a store is being opened', async (t) => {
  const outcome = await runFixture('durable-exit.mjs', { args: ['opening', freshPath(t)] });
  t.is(outcome.code, 0, outcome.stderr);
  t.is(outcome.answer<{ size: number }>().size, 0);
});

test.serial('a store that cannot be opened ends the process unless the rejection is handled', async (t) => {
  const path = freshPath(t);
  writeFileSync(path, 'not a directory');
  const outcome = await runFixture('durable-exit.mjs', { args: ['unhandled', path] });
  t.is(outcome.code, 1);
  t.regex(outcome.stderr, /ERR_SESSION_PATH/);
});
