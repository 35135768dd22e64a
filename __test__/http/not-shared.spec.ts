/** Several processes with a store each: their users flip between guest and logged in. */
import test from 'ava';
import { runFixture } from '../helpers/fixture.js';

interface Warning {
  name: string;
  code: string;
  message: string;
}

// Nothing was said: every second request of a logged-in user was a guest's.
for (const [title, args, env, message] of [
  ['a worker of node:cluster', ['cluster'], {}, /worker of node:cluster/],
  ['a worker of node:cluster with a store on disk', ['cluster', 'disk'], {}, /worker of node:cluster/],
  ['a store that was made beside the middleware', ['cluster', 'given'], {}, /worker of node:cluster/],
  ['pm2, which sets NODE_APP_INSTANCE', ['process'], { NODE_APP_INSTANCE: '0' }, /NODE_APP_INSTANCE/],
  ['pm2, which sets pm_id', ['process'], { pm_id: '3' }, /pm_id/],
] as const) {
  test(`${title}: one warning, for all middlewares of the process`, async (t) => {
    const outcome = await runFixture('sharing-warning.mjs', { args, env });
    const [warning, ...others] = outcome.answer<Warning[]>();
    t.deepEqual([warning?.name, warning?.code, others], ['SessionWarning', 'SESSION_NOT_SHARED', []]);
    t.regex(warning!.message, message);
    t.regex(warning!.message, /sticky|`store`/);
  });
}

for (const [title, args, env] of [
  ['a single process', ['process'], {}],
  ['a store on disk under pm2, which may be the only process', ['process', 'disk'], { pm_id: '0' }],
  ['a store of another kind, which may be shared', ['cluster', 'remote'], {}],
] as const) {
  test(`${title}: no warning`, async (t) => {
    t.deepEqual((await runFixture('sharing-warning.mjs', { args, env })).answer(), []);
  });
}
