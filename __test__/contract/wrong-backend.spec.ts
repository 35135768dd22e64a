/**
 * A backend of an application's own that breaks the contract is named where it does so. One whose facts had no id once logged its users in
 * without a cookie and without an error.
 */
import test from 'ava';
import { SessionError, SessionManager, SessionStore, type SessionBackend } from 'agai-session';
import { session } from 'agai-session/express';
import { kinds } from '../helpers/apps.js';
import { request, serve } from '../helpers/http.js';
import { remoteBackend } from '../helpers/remote-backend.js';

type Methods = { [name: string]: (...args: never[]) => Promise<unknown> };

/** A backend over a store, one of whose methods changes what it returns. */
function changed(method: keyof SessionBackend, change: (result: never) => unknown): SessionBackend {
  const backend = remoteBackend(new SessionStore().backend) as unknown as Methods;
  const right = backend[method]!;
  return { ...backend, [method]: async (...args: never[]) => change((await right(...args)) as never) } as never;
}

const without = (name: string) => (from: object) => ({ ...from, [name]: undefined });
const facts = (change: (facts: object) => object) => (outcome: { facts: object }) => ({
  ...outcome,
  facts: change(outcome.facts),
});

const wrong: [string, SessionBackend, RegExp][] = [
  [
    'create without an id',
    changed('create', without('id')),
    /create\(\).*the id must be 43 .*undefined: copy each field/,
  ],
  ['create with a number as id', changed('create', (facts: object) => ({ ...facts, id: 7 })), /create\(\).*id.*not 7$/],
  [
    'create with another handle',
    changed('create', (facts: object) => ({ ...facts, handle: 'x' })),
    /create\(\).*handle/,
  ],
  ['create with nothing', changed('create', () => undefined), /create\(\).*facts.*undefined/],
  [
    'create with a date',
    changed('create', (facts: object) => ({ ...facts, createdAt: new Date() })),
    /create\(\).*createdAt.*Date/,
  ],
  ['commit without a status', changed('commit', () => true), /commit\(\).*'ok', 'conflict' or 'gone'/],
  ['commit without a version', changed('commit', facts(without('version'))), /commit\(\).*version/],
  ['commit with a conflict with nothing', changed('commit', () => ({ status: 'conflict' })), /commit\(\).*facts/],
  [
    'load with an object as data',
    changed('load', (stored?: object) => stored && { ...stored, data: {} }),
    /load\(\).*data.*an object/,
  ],
  ['load with null', changed('load', () => null), /load\(\).*null/],
  ['load without a form', changed('load', (stored?: object) => stored && without('form')(stored)), /load\(\).*form/],
  [
    'load with a number as user',
    changed('load', (stored?: object) => stored && { ...stored, uid: 7 }),
    /load\(\).*uid/,
  ],
  ['regenerate without an id', changed('regenerate', facts(without('id'))), /regenerate\(\).*id/],
  ['touch with nothing', changed('touch', () => undefined), /touch\(\).*boolean/],
  ['destroy with a count', changed('destroy', () => 1), /destroy\(\).*boolean.*1/],
];

/** What an application does in the life of a session. */
async function live(store: SessionBackend): Promise<void> {
  const manager = new SessionManager({ store });
  const first = manager.create();
  first.data['secret'] = 'hunter2';
  await first.save();
  const loaded = (await manager.load(first.id!))!;
  loaded.data['n'] = 2;
  await loaded.save();
  loaded.login('ada');
  await loaded.save();
  await loaded.touch();
  await loaded.logout();
}

for (const [title, store, message] of wrong) {
  test(title, async (t) => {
    const error = await t.throwsAsync(live(store), { instanceOf: SessionError, message });
    t.is(error!.code, 'ERR_SESSION_BACKEND');
    t.notRegex(error!.message, /hunter2/);
  });
}

test('a login through Express over facts without an id fails, and sets no cookie', async (t) => {
  const store = changed('create', without('id'));
  const app = kinds[2]!.app({ store }, (req, res) => {
    req.session.login('ada');
    res.end('welcome');
  });
  const { status, cookies } = await request(await serve(t, app));
  t.deepEqual([status, cookies], [500, []]);
});

test('a backend without timeouts is refused at once', (t) => {
  const { idleTimeout, ...timeouts } = new SessionStore().backend.timeouts;
  const store = { ...remoteBackend(new SessionStore().backend), timeouts } as never;
  t.throws(() => session({ store }), { instanceOf: TypeError, message: /timeouts\.idleTimeout must be a number/ });
  t.is(idleTimeout, 1_800_000);
});
