/** User ids and who is logged in. */
import test from 'ava';
import { SessionManager, SessionStore, type SessionFacts } from 'agai-session';

/** What forges a line of a log, steers a terminal, turns the text around it, or is no character at all. */
const UNSAFE = [
  '\0',
  '\n',
  '\r',
  '\t',
  '\u001b[2J',
  '\u007f',
  '\u0085',
  '\u009b31m',
  '\u061c',
  '\u200e',
  '\u200f',
  '\u2028',
  '\u2029',
  '\u202a',
  '\u202e',
  '\u2066',
  '\u2069',
  '\ud800',
  '\udc00x',
];

test('S45 a user id that would forge a line of a log or steer a terminal is refused', (t) => {
  const store = new SessionStore();
  const session = new SessionManager({ store }).create();
  const { id } = store.create({});
  for (const text of UNSAFE) {
    const uid = `ann${text}`;
    for (const use of [
      () => session.login(uid),
      () => store.create({}, { uid }),
      () => store.regenerate(id, { uid }),
    ]) {
      const error = t.throws(use, { code: 'ERR_SESSION_UID' }, JSON.stringify(uid))!;
      t.regex(error.message, /^[\x20-\x7e]*U\+[0-9A-F]{4}$/, 'the message itself has only its number');
    }
  }
  t.is(session.uid, 'Guest');
  for (const uid of ['ann@example.com', 'Жанна', '山田 太郎', 'a-b_c|d', '👩‍🚀', 'אבי']) {
    t.notThrows(() => store.create({}, { uid }), uid);
  }
});

test('S45 a session of such a user that was stored before keeps working', async (t) => {
  const store = new SessionStore<{ n?: number }>();
  // As a version wrote it that did not refuse them.
  const { id } = store.backend.create({ data: '{}', uid: 'ann\nroot' }) as SessionFacts;
  const session = (await new SessionManager<{ n?: number }>({ store }).load(id))!;
  t.is(session.uid, 'ann\nroot');
  session.set('n', 1);
  await session.regenerate();
  await session.save();
  t.deepEqual(store.get(session.id!)!.data, { n: 1 });
  t.deepEqual(
    [...store.sessions()].map(({ uid }) => uid),
    ['ann\nroot'],
  );
  await session.logout();
  t.is(store.size, 0);
});

test('S45 a login as another user is told as the end of the one session and the beginning of the other', async (t) => {
  const store = new SessionStore();
  const told: [string, string, string][] = [];
  const { id, handle } = store.create({}, { uid: 'ann' });
  for (const name of ['created', 'destroyed', 'regenerated'] as const) {
    store.on(name, (event) => void told.push([name, event.handle, event.reason]));
  }
  const session = (await new SessionManager({ store }).load(id))!;
  session.login('bob');
  await session.save();
  while (told.length < 2) await new Promise(setImmediate);
  t.not(session.handle, handle);
  t.deepEqual(told, [
    ['destroyed', handle, 'login'],
    ['created', session.handle!, 'login'],
  ]);
});
