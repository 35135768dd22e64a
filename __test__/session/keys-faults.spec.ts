/** Faults that a second reading of the keys found: each lost a change, or would have. */
import test from 'ava';
import { SessionManager, SessionStore, type Session, type SessionBackend } from 'agai-session';
import { z } from 'zod';
import { remoteBackend } from '../helpers/remote-backend.js';

type Data = Record<string, unknown>;
type Committed = { commit(isBeforeHeaders: boolean): unknown };

function open(options: { remote?: boolean; broken?: () => boolean } = {}) {
  const store = new SessionStore<Data>();
  let backend: SessionBackend = options.remote ? remoteBackend(store.backend) : store.backend;
  if (options.broken) {
    const inner = backend;
    const commit: SessionBackend['commit'] = async (...args) => {
      if (options.broken!()) throw new Error('the net is down');
      return inner.commit(...args);
    };
    backend = { ...remoteBackend(store.backend), commit };
  }
  const manager = new SessionManager<Data>({ store: backend });
  const load = async (id: string): Promise<Session<Data>> => (await manager.load(id))!;
  return { store, manager, load };
}

/** What the response does. */
const respond = async (session: Session<Data>): Promise<unknown> => (session as unknown as Committed).commit(true);

test('a login is written after data that could not be stored was repaired', async (t) => {
  const { store, load } = open();
  const { id } = store.create({ n: 1 });
  const session = await load(id);
  session.login('ann');
  session.data['bad'] = 1n;
  t.throws(() => session.save(), { code: 'ERR_SESSION_DATA' });
  delete session.data['bad'];
  await respond(session);
  t.deepEqual([store.get(session.id!)!.uid, store.has(id)], ['ann', false]);
});

test('two requests that repair data which the schema refuses both keep their change', async (t) => {
  const schema = z.object({ a: z.number().optional(), b: z.number().optional() }).strict();
  for (const remote of [false, true]) {
    const store = new SessionStore<Data>();
    const backend = remote ? remoteBackend(store.backend) : store.backend;
    const manager = new SessionManager<Data>({ store: backend, data: schema as never, onInvalid: 'discard' });
    const { id } = store.create({ old: 1 });
    const [one, other] = [(await manager.load(id))!, (await manager.load(id))!];
    one.set('a', 1);
    const held = other.data;
    other.set('b', 2);
    await one.save();
    await other.save();
    t.deepEqual(store.get(id)!.data, { a: 1, b: 2 });
    t.is(other.data, held);
  }
});

test('a change that was made while a save failed is written with the response', async (t) => {
  let isDown = true;
  const { store, load } = open({ broken: () => isDown });
  const { id } = store.create({});
  const session = await load(id);
  session.set('a', 1);
  const saved = session.save();
  session.set('b', 2);
  await t.throwsAsync(saved, { message: 'the net is down' });
  isDown = false;
  await respond(session);
  t.deepEqual(store.get(id)!.data, { a: 1, b: 2 });
});

test('another user who logs in during a write keeps what is set for him', async (t) => {
  const { store, load } = open({ remote: true });
  const { id } = store.create({ theme: 'light' }, { uid: 'ann' });
  const session = await load(id);
  session.login('bob');
  session.set('theme', 'dark');
  const saved = session.save();
  session.login('carol');
  session.set('theme', 'dark');
  await saved;
  await session.save();
  t.deepEqual([store.get(session.id!)!.uid, store.get(session.id!)!.data], ['carol', { theme: 'dark' }]);
});

test('a login on a session that has ended goes on with the objects that the handler holds', async (t) => {
  const { store, load } = open();
  const { id } = store.create({ old: 1 });
  const session = await load(id);
  const { data } = session;
  data['cart'] = [1];
  session.login('ann');
  store.destroy(id);
  await session.save();
  t.deepEqual(data, { cart: [1] });
  (data['cart'] as number[]).push(2);
  data['late'] = 1;
  await session.save();
  t.deepEqual(store.get(session.id!)!.data, { cart: [1, 2], late: 1 });

  const second = await load(store.create({ old: 1, list: [0] }).id);
  const cart = [1];
  second.set('cart', cart).get('old');
  second.login('bob');
  store.destroy(second.id!);
  await second.save();
  t.deepEqual([second.keys(), second.get('old')], [['cart'], undefined]);
  cart.push(2);
  await second.save();
  t.deepEqual(store.get(second.id!)!.data, { cart: [1, 2] });
});

test('a part of the data alone is checked as what is to be written, and not taken for what is stored', async (t) => {
  const schema = z
    .object({ from: z.number().optional(), to: z.number().optional() })
    .refine(({ from, to }) => (from === undefined) === (to === undefined));
  for (const onInvalid of ['discard', 'error'] as const) {
    const store = new SessionStore<Data>();
    const manager = new SessionManager<Data>({ store, data: schema as never, onInvalid });
    const { id } = store.create({ from: 1, to: 2 });
    const session = (await manager.load(id))!;
    session.set('to', 3);
    session.login('ann');
    store.destroy(id);
    t.throws(() => session.save(), { code: 'ERR_SESSION_DATA', message: /to be written/ });
  }
});

test('a look at which keys there are does not replace data that has a toJSON', async (t) => {
  const { store, load } = open();
  const { id } = store.create({});
  const session = await load(id);
  const cart = { items: [] as number[], toJSON: () => ({ items: cart.items }) };
  session.data = cart as never;
  t.true(session.has('items'));
  t.deepEqual(session.keys(), ['items']);
  cart.items.push(1);
  await session.save();
  t.deepEqual(store.get(id)!.data, { items: [1] });
});

test('a save beside a reload is newer than what was read', async (t) => {
  const { store, load } = open({ remote: true });
  const { id } = store.create({ a: 1 });
  const session = await load(id);
  const reloaded = session.reload();
  session.set('x', 1);
  await Promise.all([reloaded, session.save()]);
  t.deepEqual([session.get('x'), store.get(id)!.data], [1, { a: 1, x: 1 }]);
});

test.serial('an asynchronous update is refused, and its rejection ends no process', async (t) => {
  const unhandled: unknown[] = [];
  const note = (error: unknown): unknown => unhandled.push(error);
  process.on('unhandledRejection', note);
  const { store, load } = open();
  const { id } = store.create({ n: 1 });
  const session = await load(id);
  const fail = (async () => {
    throw new Error('later');
  }) as never;
  t.throws(() => session.update('n', fail), { instanceOf: TypeError });
  t.throws(() => store.update(id, fail), { instanceOf: TypeError });
  await new Promise(setImmediate);
  process.off('unhandledRejection', note);
  t.deepEqual(unhandled, []);
});

test('a toJSON that throws anything is ERR_SESSION_DATA', async (t) => {
  const { store, load } = open();
  const session = await load(store.create({}).id);
  session.set('a', {
    toJSON() {
      throw Object.create(null);
    },
  });
  t.throws(() => session.save(), { code: 'ERR_SESSION_DATA' });
});
