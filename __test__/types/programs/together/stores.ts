/** A manager and a middleware have the store that their options say. */
import {
  SessionManager,
  SessionStore,
  type AnyStore,
  type DurableSessionStore,
  type SessionBackend,
  type SessionOptions,
} from 'agai-session';
import { session } from 'agai-session/express';
import { same } from './same.js';

interface Jobs {
  jobs: number;
}
declare const backend: SessionBackend;
declare const durable: DurableSessionStore<Jobs>;
declare const options: SessionOptions;
const memory = new SessionStore<Jobs>();

const ownMemory = new SessionManager({ idleTimeout: '5m' });
same<typeof ownMemory.store, SessionStore>();
same<typeof ownMemory.ready, Promise<SessionStore>>();
const ownDisk = new SessionManager<Jobs>({ path: 'sessions.data' });
same<typeof ownDisk.store, DurableSessionStore<Jobs> | undefined>();
same<typeof ownDisk.ready, Promise<DurableSessionStore<Jobs>>>();
const overMemory = new SessionManager({ store: memory });
same<typeof overMemory.store, SessionStore<Jobs>>();
same<ReturnType<typeof overMemory.create>['data']['jobs'], number>();
const overDisk = new SessionManager({ store: durable });
same<typeof overDisk.store, DurableSessionStore<Jobs>>();
const overBackend = new SessionManager<Jobs>({ store: backend });
same<typeof overBackend.store, undefined>();
same<typeof overBackend.ready, Promise<undefined>>();
const unknown = new SessionManager(options);
same<typeof unknown.store, AnyStore | undefined>();
const some: SessionManager = ownMemory;
const typed: SessionManager<Jobs> = overMemory;
export { some, typed };

same<Awaited<ReturnType<typeof inMemory>>, number>();
export async function inMemory(): Promise<number> {
  const sessions = session();
  return sessions.manager.store.stats().users + (await sessions.ready).size;
}
export async function onDisk(): Promise<void> {
  const sessions = session({ path: 'sessions.data', durability: 'disk' });
  // @ts-expect-error -- it may not be open yet
  sessions.manager.store.flush();
  const store = await sessions.ready;
  await store.checkpoint();
}
export const given: SessionStore<Jobs> = session({ store: memory }).manager.store;

// @ts-expect-error -- there is no such option
session({ secret: 'a secret' });
// @ts-expect-error -- there is no such option
new SessionManager({ path: 'sessions.data', secret: 'a secret' });
// @ts-expect-error -- not a duration
session({ idleTimeout: '30 minutes' });
// @ts-expect-error -- not a store
session({ store: {} });
