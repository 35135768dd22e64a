/** The addon can be loaded in many threads of one process, and is unloaded with each of them. */
import test from 'ava';
import { runFixture } from '../helpers/fixture.js';

interface Answer {
  done: number;
  workers: number;
  before: number;
  after: number;
  most: number;
  took: number;
}

test('20 workers load the addon at once, use it and are terminated in the middle of a call, again and again', async (t) => {
  const [workers, rounds, budget] = [20, 50, 25_000];
  const outcome = await runFixture('worker-churn.mjs', { args: [workers, rounds, budget].map(String) });
  t.is(outcome.signal, null, outcome.stderr);
  t.is(outcome.code, 0, outcome.stderr);
  const { done, before, after, most, took } = outcome.answer<Answer>();
  t.log(
    `${done} rounds of ${workers} workers in ${took} ms; threads: ${before} before, ${most} at most, ${after} after`,
  );
  t.true(done >= 3, `${done} rounds`);
  t.true(after <= before, `${after} threads after, ${before} before`);
});
