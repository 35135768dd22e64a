/** An open store never keeps a process alive, however the process ends. */
import test from 'ava';
import { runFixture } from '../helpers/fixture.js';

const ways: [string, string, number, RegExp][] = [
  ['that is empty', 'empty', 0, /^$/],
  ['with live sessions', 'sessions', 0, /^$/],
  ['with live sessions, listeners and events on their way', 'listeners', 0, /^$/],
  ['with listeners whose sessions expire at that moment', 'due', 0, /^$/],
  ['that was closed', 'closed', 0, /^$/],
  ['that was cleared', 'cleared', 0, /^$/],
  ['among fifty', 'many stores', 0, /^$|SESSION_MANY_STORES/],
  ['by process.exit', 'process.exit', 0, /^$/],
  ['by an uncaught exception', 'uncaught', 1, /Error: uncaught on purpose/],
  ['by an unhandled rejection', 'rejected', 1, /Error: rejected on purpose/],
];

for (const [what, way, code, stderr] of ways) {
  test.serial(`a process ends at once with an open store ${what}`, async (t) => {
    const outcome = await runFixture('exit.mjs', { args: [way] });
    const { at } = outcome.answer<{ at: number }>();
    const took = outcome.endedAt - at;
    t.log(`${took} ms from the last line to the exit`);
    t.is(outcome.signal, null);
    t.is(outcome.code, code);
    t.regex(outcome.stderr, stderr);
    t.true(took < 1_000, `${took} ms`);
  });
}
