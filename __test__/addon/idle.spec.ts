/** An idle store uses no CPU. */
import test from 'ava';
import { runFixture } from '../helpers/fixture.js';

interface Answer {
  /** The CPU time of the whole process within two seconds, in milliseconds. */
  cpu: number;
  before: Record<string, { ticks: number; switches: number }>;
  after: Record<string, { ticks: number; switches: number }>;
  size: number;
}

for (const [what, sessions] of [
  ['without sessions', 0],
  ['with sessions whose deadlines are far away', 1_000],
] as const) {
  test(`ten open stores ${what} use no CPU`, async (t) => {
    const outcome = await runFixture('idle.mjs', { args: [String(sessions)] });
    t.is(outcome.code, 0, outcome.stderr);
    const { cpu, before, after, size } = outcome.answer<Answer>();
    t.log(`${cpu} ms of CPU in 2 s`);
    t.is(size, 10 * sessions);
    t.true(cpu < 20, `${cpu} ms`);
    t.deepEqual(after, before, 'no expiry thread ran or was woken');
    if (process.platform === 'linux') t.is(Object.keys(before).length, 10);
  });
}
