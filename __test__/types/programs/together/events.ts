/** A store is an emitter, of events that the compiler knows. */
import { on, once, type EventEmitter } from 'node:events';
import { SessionStore, type DurableSessionStore, type RecoveryReport, type SessionEvent } from 'agai-session';
import { same } from './same.js';

const store = new SessionStore();
const { signal } = new AbortController();
const emitter: EventEmitter = store;
export { emitter };

store.on('expired', ({ reason }) => same<typeof reason, 'idle-timeout' | 'absolute-timeout'>(), { signal });
store.once('created', (event) => same<typeof event, SessionEvent<'create' | 'login'>>());
store.off('created', (event: SessionEvent) => event.handle);
// @ts-expect-error -- there is no such event
store.on('expire', () => undefined);
// @ts-expect-error -- in memory there is nothing to recover
store.on('recovered', () => undefined);
// @ts-expect-error -- there is no such option
store.once('created', () => undefined, { once: true });

export async function follow(durable: DurableSessionStore): Promise<void> {
  durable.once('recovered', (report) => same<typeof report, RecoveryReport>());
  await once(store, 'expired', { signal });
  await once(durable, 'checkpoint');
  for await (const [event] of on(store, 'destroyed', { signal })) console.log((event as SessionEvent).uid);
}
