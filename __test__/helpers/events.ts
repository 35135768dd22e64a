/** Records the events of a store. */
import type { SessionEvent, SessionEventName, SessionStore } from 'agai-session';

export const EVENT_NAMES = ['created', 'regenerated', 'expired', 'evicted', 'destroyed'] as const;

export interface Told extends SessionEvent {
  readonly name: SessionEventName;
}

/** Records every event from here on, in the order of emission. */
export function record<Data extends object>(
  store: SessionStore<Data>,
  names: readonly SessionEventName[] = EVENT_NAMES,
): Told[] {
  const told: Told[] = [];
  for (const name of names) store.on(name, (event) => told.push({ name, ...event }));
  return told;
}
