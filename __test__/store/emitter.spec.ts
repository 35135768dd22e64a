/** A store is an emitter of events as Node.js knows them: whoever expects `once`, a signal or `events.once` finds them. */
import { EventEmitter, getEventListeners, on, once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { SessionStore } from 'agai-session';
import { ManualClock } from 'agai-session/testing';
import test from 'ava';
import { aWhile, awake, until } from '../helpers/until.js';
import { openStore } from '../helpers/durable.js';

function open(): { store: SessionStore; clock: ManualClock } {
  const clock = new ManualClock(0);
  return { clock, store: new SessionStore({ clock, idleTimeout: '10m' }) };
}

test('events.once resolves with the next event', async (t) => {
  const { store, clock } = open();
  const { handle } = store.create({}, { uid: 'ada' });
  const next = once(store, 'expired');
  clock.advance('10m');
  t.deepEqual(await awake(next), [{ handle, uid: 'ada', reason: 'idle-timeout' }]);
  t.is(store.listenerCount('expired'), 0, 'nobody listens any more');
  t.is(store.listenerCount('error'), 0);
});

test('events.once of a store on disk resolves with events of its sessions and of its files', async (t) => {
  const store = await openStore(t);
  const checkpoint = once(store, 'checkpoint');
  const created = once(store, 'created');
  const { handle } = await store.create({});
  await store.checkpoint();
  t.like((await awake(created))[0], { handle, reason: 'create' });
  t.like((await awake(checkpoint))[0], { sessions: 1 });
});

test('events.once rejects when its signal is aborted, and removes its listeners', async (t) => {
  const { store } = open();
  const controller = new AbortController();
  const next = once(store, 'created', { signal: controller.signal });
  controller.abort();
  await t.throwsAsync(next, { name: 'AbortError' });
  t.is(store.listenerCount('created'), 0);
});

test('events.on iterates over the events, and ends with its signal', async (t) => {
  const { store } = open();
  const controller = new AbortController();
  const uids: string[] = [];
  const reading = (async () => {
    for await (const [{ uid }] of on(store, 'created', { signal: controller.signal })) uids.push(uid as string);
  })();
  store.create({}, { uid: 'ada' });
  store.create({}, { uid: 'bob' });
  await until(() => uids.length === 2, 'both are told');
  controller.abort();
  await t.throwsAsync(reading, { name: 'AbortError' });
  t.deepEqual(uids, ['ada', 'bob']);
});

test('a listener of once is called once, even if the events come in one batch', async (t) => {
  const { store } = open();
  const calls: string[] = [];
  store.once('created', ({ uid }) => calls.push(`once ${uid}`));
  store.on('created', ({ uid }) => calls.push(uid));
  store.create({}, { uid: 'ada' });
  store.create({}, { uid: 'bob' });
  await until(() => calls.length === 3, 'all is told');
  await aWhile();
  t.deepEqual(calls, ['once ada', 'ada', 'bob']);
});

test('off removes a listener that was added with once', async (t) => {
  const { store } = open();
  const calls: string[] = [];
  const listener = (): unknown => calls.push('called');
  store.once('created', listener).off('created', listener);
  store.create({});
  await aWhile();
  t.deepEqual(calls, []);
});

test('once no listener is left, events are not created any more', async (t) => {
  const { store } = open();
  let isTold = false;
  store.once('created', () => (isTold = true));
  store.create({});
  await until(() => isTold, 'the one is told');
  for (let n = 0; n < 200_000; n += 1) store.create({});
  await turn();
  t.is(store.stats().eventsDropped, 0, 'otherwise they would have filled the queue of 16 MiB');
  store.on('created', () => t.fail('an event from before'));
  await aWhile();
});

for (const add of ['on', 'once'] as const) {
  test(`${add}: an aborted signal removes the listener`, async (t) => {
    const { store } = open();
    const controller = new AbortController();
    const calls: string[] = [];
    store[add]('created', ({ uid }) => calls.push(uid), { signal: controller.signal });
    store.create({}, { uid: 'ada' });
    await until(() => calls.length === 1, 'the first is told');
    controller.abort();
    store.create({}, { uid: 'bob' });
    await aWhile();
    t.deepEqual(calls, ['ada']);
    store[add]('created', () => t.fail('it is too late'), { signal: controller.signal });
    store.create({});
    await aWhile();
  });

  test(`${add}: a signal that outlives its listeners keeps none of them`, async (t) => {
    const { store } = open();
    const { signal } = new AbortController();
    const listener = (): undefined => undefined;
    for (let n = 0; n < 100; n += 1) store[add]('created', listener, { signal }).off('created', listener);
    store[add]('created', listener, { signal });
    t.is(getEventListeners(signal, 'abort').length, 1);
    store.removeAllListeners();
    t.is(getEventListeners(signal, 'abort').length, 0);
  });
}

test('a listener of once that throws is gone, and the others are called', async (t) => {
  const { store } = open();
  const warned = once(process, 'warning') as Promise<[Error & { code: string }]>;
  const calls: string[] = [];
  store.once('created', () => {
    throw new Error('a bug of the application');
  });
  store.on('created', ({ uid }) => calls.push(uid));
  store.create({}, { uid: 'ada' });
  store.create({}, { uid: 'bob' });
  await until(() => calls.length === 2, 'both are told');
  t.is((await warned)[0].code, 'SESSION_LISTENER_THREW');
  t.is(store.listenerCount('created'), 1);
});

test('what is no signal, and options that do not exist, are refused', (t) => {
  const { store } = open();
  const listener = (): undefined => undefined;
  t.throws(() => store.on('created', listener, { signal: {} as never }), {
    message: /option signal: pass an AbortSignal/,
  });
  t.throws(() => store.once('created', listener, { once: true } as never), { message: /there is no such option/ });
  t.throws(() => store.once('create' as never, listener), { message: /there is no session event create/ });
  t.throws(() => store.prependListener('create' as never, listener), { message: /there is no session event create/ });
  t.is(store.listenerCount('created'), 0);
});

test('a closed store has no listeners and takes none', async (t) => {
  const { store } = open();
  const { signal } = new AbortController();
  store.on('created', () => undefined, { signal });
  store.close();
  t.is(store.listenerCount('created'), 0);
  t.is(getEventListeners(signal, 'abort').length, 0);
  t.throws(() => store.once('created', () => undefined), { code: 'ERR_SESSION_CLOSED' });
  t.true(store instanceof EventEmitter);
});
