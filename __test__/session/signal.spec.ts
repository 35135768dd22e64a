/** `session.signal`: a stream, a socket or a job can tell that its session has ended. */
import { getEventListeners, once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http, { type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { SessionManager, SessionStore, type DurableSessionStore, type Session, type SessionError } from 'agai-session';
import { session } from 'agai-session/express';
import { ManualClock } from 'agai-session/testing';
import { expresses } from '../helpers/apps.js';
import { runFixture } from '../helpers/fixture.js';
import { Client, serve } from '../helpers/http.js';
import { remoteBackend } from '../helpers/remote-backend.js';

type Data = Record<string, unknown>;

interface Opened {
  readonly clock: ManualClock;
  readonly store: SessionStore<Data> | DurableSessionStore<Data>;
  readonly manager: SessionManager<Data>;
}

function inMemory(options = {}): Opened {
  const clock = new ManualClock();
  const store = new SessionStore<Data>({ clock, ...options });
  return { clock, store, manager: new SessionManager<Data>({ store }) };
}

/** A session that a socket holds. */
async function held({ store, manager }: Opened, uid = 'ann'): Promise<Session<Data>> {
  return (await manager.load((await store.create({ n: 1 }, { uid })).id))!;
}

/** Resolves with the reason once a signal is aborted. */
async function reasonOf(signal: AbortSignal): Promise<SessionError> {
  // The store does not keep the process alive for its events.
  const timer = setInterval(() => undefined, 1_000);
  if (!signal.aborted) await once(signal, 'abort');
  clearInterval(timer);
  return signal.reason as SessionError;
}

const ends: [string, string, object, (opened: Opened, session: Session<Data>) => unknown][] = [
  ['a logout in another tab', 'logout', {}, async ({ manager }, { id }) => (await manager.load(id!))!.logout()],
  ['destroyByHandle', 'destroy', {}, ({ store }, { handle }) => store.destroyByHandle(handle!)],
  ['manager.remove', 'destroy', {}, ({ manager }, { id }) => manager.remove(id!)],
  ['clear', 'clear', {}, ({ store }) => store.clear()],
  ['its idle timeout', 'idle-timeout', {}, ({ clock }) => clock.advance('31m')],
  [
    'its absolute timeout',
    'absolute-timeout',
    { idleTimeout: '40m', absoluteTimeout: '1h' },
    async ({ clock }, session) => {
      clock.advance('35m');
      await session.touch();
      clock.advance('25m');
    },
  ],
  ['eviction', 'max-sessions', { maxSessions: 1 }, ({ store }) => store.create({}, { uid: 'bob' })],
  ['another user’s login', 'login', {}, ({ store }, { id }) => store.regenerate(id!, { uid: 'bob' })],
  ['a new id by another request', 'regenerate', {}, ({ store }, { id }) => store.regenerate(id!)],
  [
    'the same user’s login in another tab',
    'regenerate',
    {},
    ({ store }, { id }) => store.regenerate(id!, { uid: 'ann' }),
  ],
  ['its own logout', 'logout', {}, (_opened, session) => session.logout()],
  ['its own destroy', 'destroy', {}, (_opened, session) => session.destroy()],
];

// A holder could only ask the store again and again.
for (const [name, reason, options, end] of ends) {
  test(`the signal is aborted by ${name}, with the reason`, async (t) => {
    const opened = inMemory(options);
    const session = await held(opened);
    const { signal } = session;
    t.false(signal.aborted);
    t.is(session.signal, signal, 'it is one signal');
    await end(opened, session);
    const error = await reasonOf(signal);
    t.deepEqual([error.name, error.code, error.reason], ['SessionError', 'ERR_SESSION_GONE', reason as never]);
    t.notRegex(error.message, new RegExp(session.id ?? 'no id'));
  });
}

test('over a store on disk it is the same, and closing the store says so', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'agai-session-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const store = await SessionStore.open<Data>({ path: join(folder, 'sessions.data') });
  const opened = { clock: new ManualClock(), store, manager: new SessionManager<Data>({ store }) };
  const [logged, renewed, open] = [await held(opened), await held(opened), await held(opened)];
  const signals = [logged, renewed, open].map(({ signal }) => signal);
  await (await opened.manager.load(logged.id!))!.logout();
  t.is((await reasonOf(signals[0]!)).reason, 'logout');
  // A renewal of its own is no end.
  void renewed.regenerate();
  await renewed.save();
  await store.flush();
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.false(signals[1]!.aborted);
  await store.close();
  for (const signal of signals.slice(1)) t.is((await reasonOf(signal)).code, 'ERR_SESSION_CLOSED');
});

test('over a store in memory, closing it says so too', async (t) => {
  const opened = inMemory();
  const { signal } = await held(opened);
  void opened.store.close();
  t.is((await reasonOf(signal)).code, 'ERR_SESSION_CLOSED');
});

test('its own login, renewal and writes do not abort it', async (t) => {
  const opened = inMemory();
  const session = await held(opened);
  const { signal } = session;
  session.data['n'] = 2;
  await session.save();
  session.login('ann');
  await session.save();
  void session.regenerate();
  await session.save();
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.false(signal.aborted);
  opened.store.destroyByHandle(session.handle!);
  t.is((await reasonOf(signal)).reason, 'destroy', 'and it follows the new id');
});

test('a login as another user ends the session that there was, and the new one has a signal of its own', async (t) => {
  const opened = inMemory();
  const session = await held(opened);
  const first = session.signal;
  session.login('bob');
  await session.save();
  t.is((await reasonOf(first)).reason, 'login');
  const second = session.signal;
  t.not(second, first);
  t.false(second.aborted);
  await session.logout();
  t.is((await reasonOf(second)).reason, 'logout');
});

test('a session that is not stored yet has a signal, which follows it once it is', async (t) => {
  const { store, manager } = inMemory();
  const session = manager.create();
  const { signal } = session;
  session.data['n'] = 1;
  await session.save();
  t.is(session.signal, signal);
  void store.destroyByHandle(session.handle!);
  t.is((await reasonOf(signal)).reason, 'destroy');
});

test('a session that ended before the signal was asked for has an aborted one', async (t) => {
  const opened = inMemory();
  const [ended, destroyed] = [await held(opened), await held(opened)];
  opened.store.destroyByHandle(ended.handle!);
  t.true(ended.signal.aborted);
  await destroyed.destroy();
  t.true(destroyed.signal.aborted);
});

test('touch, save and reload that find the session gone abort it, over a store that cannot be watched', async (t) => {
  for (const find of [
    (session: Session<Data>) => session.touch(),
    (session: Session<Data>) => session.reload(),
    (session: Session<Data>) => {
      session.data['n'] = 2;
      return session.save();
    },
  ]) {
    const store = new SessionStore<Data>();
    const manager = new SessionManager<Data>({ store: remoteBackend(store.backend) });
    const session = (await manager.load(store.create({}).id))!;
    const { signal } = session;
    await session.touch();
    t.false(signal.aborted);
    store.destroyByHandle(session.handle!);
    await Promise.resolve(find(session)).catch(() => undefined);
    t.is((await reasonOf(signal)).code, 'ERR_SESSION_GONE');
  }
});

// Events that wait for their delivery are bounded, and the one that was dropped may be the one that the signal waits for.
test('a signal whose event was dropped is aborted all the same', async (t) => {
  const opened = inMemory();
  const { signal, handle } = await held(opened);
  const others = Array.from({ length: 80_000 }, () => opened.store.create({}, { uid: 'ж'.repeat(255) }));
  for (const other of others) void opened.store.destroyByHandle((other as { handle: string }).handle);
  void opened.store.destroyByHandle(handle!);
  t.true(opened.store.stats().eventsDropped > 0);
  const { code, reason } = await reasonOf(signal);
  t.deepEqual([code, reason], ['ERR_SESSION_GONE', undefined]);
});

test('the events that listeners get are the same whether or not anybody watches', async (t) => {
  const opened = inMemory();
  const seen: string[] = [];
  (opened.store as SessionStore<Data>).on('destroyed', ({ reason }) => seen.push(reason));
  const session = await held(opened);
  const { signal } = session;
  opened.store.destroyByHandle(session.handle!);
  await reasonOf(signal);
  opened.store.destroyByHandle((await held(opened)).handle!);
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.deepEqual(seen, ['destroy', 'destroy']);
});

for (const [version, create] of Object.entries(expresses)) {
  test(`${version}: an event stream ends when the user logs out in another tab`, async (t) => {
    const store = new SessionStore();
    const app = create();
    app.use(session({ store }));
    app.get('/login', (req, res) => {
      req.session.login('ann');
      res.end();
    });
    app.get('/logout', async (req, res) => {
      await req.session.logout();
      res.end();
    });
    app.get('/events', (req, res) => {
      const { signal } = req.session;
      signal.addEventListener('abort', () =>
        res.end(`event: ended\ndata: ${(signal.reason as SessionError).reason}\n\n`),
      );
      res.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: open\n\n');
    });
    const url = await serve(t, app);
    const ann = new Client(url);
    await ann.get('/login');
    const stream = await new Promise<IncomingMessage>((resolve, reject) => {
      http.get(`${url}/events`, { headers: { cookie: ann.cookie }, agent: false }, resolve).on('error', reject);
    });
    let text = '';
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (chunk === 'data: open\n\n') void ann.get('/logout');
    });
    await once(stream, 'end');
    t.is(text, 'data: open\n\nevent: ended\ndata: logout\n\n');
  });
}

test('a listener that was removed leaves nothing', async (t) => {
  const session = await held(inMemory());
  const { signal } = session;
  const controller = new AbortController();
  signal.addEventListener('abort', () => undefined, { signal: controller.signal });
  controller.abort();
  t.is(getEventListeners(signal, 'abort').length, 0);
});

// A client that connects again and again must not leave a watcher behind each time, nor may a socket that holds only a listener lose it.
test('signals that nobody listens to are collected, and those with a listener are not', async (t) => {
  const { kept, aborted, growth } = (await runFixture('signals.mjs', { flags: ['--expose-gc'] })).answer<{
    kept: number;
    aborted: number;
    growth: number;
  }>();
  t.is(aborted, 100, 'each socket that is open was told');
  t.true(kept < 20, `${kept} of 2,000 signals of closed streams are left`);
  t.true(growth < 2, `${growth} MB more after 2,000 streams`);
});

test('a process that holds a signal ends', async (t) => {
  const { code, stdout } = await runFixture('signals.mjs', { args: ['exit'] });
  t.deepEqual([code, stdout], [0, 'listening\n']);
});
