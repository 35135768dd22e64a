/** The methods of a session that end, write, renew or read it take a callback, as those of other packages do, and return a promise. */
import test, { type ExecutionContext } from 'ava';
import { SessionManager, SessionStore, type Session, type SessionError } from 'agai-session';
import { remoteBackend } from '../helpers/remote-backend.js';

type Data = Record<string, unknown>;
type Callback = (error?: unknown) => void;

const METHODS = ['save', 'regenerate', 'touch', 'reload', 'logout', 'destroy'] as const;

/** Managers over a store that answers values and over one that answers promises. */
function managers(): [string, SessionStore<Data>, SessionManager<Data>][] {
  return [false, true].map((isRemote) => {
    const store = new SessionStore<Data>();
    const manager = new SessionManager<Data>({ store: isRemote ? remoteBackend(store.backend) : store });
    return [isRemote ? 'a store that answers promises' : 'a store in memory', store, manager];
  });
}

async function open(store: SessionStore<Data>, manager: SessionManager<Data>): Promise<Session<Data>> {
  return (await manager.load(store.create({ n: 1 }, { uid: 'ann' }).id))!;
}

/** Calls a method with a callback, and resolves with what that was called with, once it was called in a later turn. */
function called(t: ExecutionContext, session: Session<Data>, method: (typeof METHODS)[number]): Promise<unknown[]> {
  return new Promise((resolve) => {
    let isLater = false;
    const callback: Callback = (...args) => {
      t.true(isLater, `${method} calls back after it has returned`);
      resolve(args);
    };
    void session[method](callback);
    isLater = true;
  });
}

// It was a TypeError, so that Passport, which knows callbacks only, could log nobody in.
for (const [name, store, manager] of managers()) {
  for (const method of METHODS) {
    test(`over ${name}: ${method} calls its callback once, without an error`, async (t) => {
      t.deepEqual(await called(t, await open(store, manager), method), []);
    });

    test(`over ${name}: ${method} without a callback returns a promise`, async (t) => {
      const session = await open(store, manager);
      const result: unknown = session[method]();
      t.true(result instanceof Promise);
      t.is(await result, method === 'touch' ? true : undefined);
    });

    test(`over ${name}: ${method} refuses what is no function`, async (t) => {
      const session = await open(store, manager);
      const error = await t.throwsAsync(async () => session[method]('callback' as never), { instanceOf: TypeError });
      t.regex(error.message, method === 'touch' ? /pass an object/ : /the callback must be a function/);
    });
  }

  test(`over ${name}: a failure goes to the callback, and nobody need handle the promise`, async (t) => {
    const session = await open(store, manager);
    session.data['n'] = 1n;
    const unhandled: unknown[] = [];
    const listener = (error: unknown): number => unhandled.push(error);
    process.on('unhandledRejection', listener);
    const [error] = await called(t, session, 'save');
    t.is((error as SessionError).code, 'ERR_SESSION_DATA');
    await session.destroy();
    const [gone] = await called(t, session, 'regenerate');
    t.is((gone as SessionError).code, 'ERR_SESSION_GONE');
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off('unhandledRejection', listener);
    t.deepEqual(unhandled, []);
  });

  test(`over ${name}: reload reads what another request wrote, and drops what was not written`, async (t) => {
    const session = await open(store, manager);
    session.data['mine'] = true;
    session.login('ann');
    const { id } = session;
    store.update(id!, (data) => ({ ...data, n: 2 }));
    await session.reload();
    t.deepEqual(session.data, { n: 2 });
    await session.save();
    t.is(session.id, id, 'the login was dropped as well');
    t.deepEqual(store.get(id!)!.data, { n: 2 });

    store.destroy(id!);
    await t.throwsAsync(async () => session.reload(), { code: 'ERR_SESSION_GONE' });
    t.throws(() => session.data, { code: 'ERR_SESSION_GONE' });
  });

  test(`over ${name}: reload of a session that is not stored empties it`, async (t) => {
    const session = manager.create();
    session.data['n'] = 1;
    await session.reload();
    t.deepEqual(session.data, {});
  });

  test(`over ${name}: touch resolves with false once the session has ended or has another id`, async (t) => {
    const ended = await open(store, manager);
    t.true(await ended.touch());
    store.destroyByHandle(ended.handle!);
    t.false(await ended.touch());
    const renewed = await open(store, manager);
    store.regenerate(renewed.id!);
    t.false(await renewed.touch());
    t.true(await manager.create().touch(), 'one that is not stored has not ended');
  });
}
