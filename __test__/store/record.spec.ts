/** What a session shows of itself never gives its id away. */
import { SessionStore } from 'agai-session';
import { ManualClock } from 'agai-session/testing';
import test from 'ava';
import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { format, inspect } from 'node:util';

function logged(...values: unknown[]): string {
  let text = '';
  const stdout = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  new Console({ stdout }).log(...values);
  return text;
}

test('JSON and console.log show the handle and leave the id out', (t) => {
  const store = new SessionStore({ clock: new ManualClock(0) });
  const session = store.create({ cart: [1] }, { uid: 'ada' });
  const { id, handle } = session;
  const json = JSON.stringify(session);
  t.deepEqual(JSON.parse(json), {
    handle,
    version: 1,
    uid: 'ada',
    data: { cart: [1] },
    createdAt: 0,
    lastSeenAt: 0,
    idleTimeout: 1_800_000,
    absoluteDeadline: 43_200_000,
    authenticatedAt: 0,
  });
  for (const shown of [
    json,
    JSON.stringify({ deep: [session] }),
    logged(session),
    logged('a session: %o, %O, %j', session, session, session),
    logged({ deep: { deeper: [session] } }),
    inspect(session, { showHidden: true, depth: Infinity, getters: true }),
    format('%s', session),
    String(session),
  ]) {
    t.false(shown.includes(id), shown);
  }
  t.true(logged(session).includes(handle));
});

test('conflicts and listings do not show the id', (t) => {
  const store = new SessionStore({ clock: new ManualClock(0) });
  const { id } = store.create({});
  store.commit(id, 1, { a: 1 });
  const conflict = store.commit(id, 1, {});
  t.is(conflict.status, 'conflict');
  const shown = [conflict, store, store.backend, store.page(), [...store.sessions()], store.stats()];
  for (const value of shown) {
    t.false(inspect(value, { showHidden: true, depth: Infinity }).includes(id));
    t.false((JSON.stringify(value) ?? '').includes(id));
  }
});

test('a record is a copy that later changes do not affect', (t) => {
  const clock = new ManualClock(0);
  const store = new SessionStore({ clock });
  const session = store.create({ a: 1 });
  clock.advance('1m');
  store.commit(session.id, 1, { a: 2 });
  t.is(session.version, 1);
  t.is(session.lastSeenAt, 0);
  t.deepEqual(session.data, { a: 1 });
});

test('the record of an ended session can still be shown', (t) => {
  const store = new SessionStore({ clock: new ManualClock(0) });
  const session = store.create({ a: 1 });
  store.destroy(session.id);
  t.is(session.handle, session.id.slice(0, 16));
  t.false(JSON.stringify(session).includes(session.id));
});

// The handle was looked up in the store, and a closed store throws at that: logging a record while shutting down failed.
test('the record of a closed store can still be shown', (t) => {
  const store = new SessionStore({ clock: new ManualClock(0) });
  const session = store.create({ a: 1 });
  store.close();
  t.notThrows(() => session.handle);
  t.notThrows(() => JSON.stringify(session));
  t.notThrows(() => logged(session));
});
