/** A polluted `Object.prototype`: no option and no field of a session is read through inheritance. */
import test from 'ava';
import { runFixture } from '../helpers/fixture.js';

interface Answer {
  readonly answers: { readonly express: string; readonly plain: string };
  readonly facts: Record<string, unknown>;
}

for (const when of ['before', 'after']) {
  // It once made the cookie readable by scripts and by a foreign domain, and gave a guest's new session a user.
  test(`S26 the cookie and its session are the same if Object.prototype is polluted ${when} the manager is made`, async (t) => {
    const outcome = await runFixture('polluted.mjs', { args: [when], env: { NODE_ENV: 'development' } });
    const { answers, facts } = outcome.answer<Answer>();
    for (const answer of [answers.express, answers.plain]) {
      t.regex(answer, /^HTTP\/1\.1 200 /);
      t.regex(answer, /^Set-Cookie: id=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax\r$/m);
      t.regex(answer, /\r\nGuest/);
    }
    t.regex(answers.express, /Guest \{"n":1\}/);
    t.deepEqual(facts, { uid: 'Guest', data: { n: 1 }, size: 2, listed: 2, idleTimeout: 30 * 60_000, hasEnd: true });
  });
}
