/** The events of sessions: their names and reasons, and the addon's batches of them. */
import { GUEST } from '../backend/ids.js';
import type { Watchers } from '../backend/watchers.js';
import type { JournalEvents } from '../disk/events.js';
import type { SessionEndReason } from '../errors.js';
import type { Listeners } from '../listeners.js';

/** Something that happened to a session. Carries its public handle, never its id. */
export interface SessionEvent<Reason extends string = string> {
  readonly handle: string;
  /** `'Guest'` for a guest. */
  readonly uid: string;
  readonly reason: Reason;
}

/** The events of every store, with their reasons. A session ends with exactly one of `expired`, `evicted` and `destroyed`. */
export interface SessionEvents {
  /** A session was stored. With `login`: somebody logged in over the session of another user, so that one ended and this one began. */
  created: SessionEvent<'create' | 'login'>;
  /** The session has a new id; handle and data are unchanged. */
  regenerated: SessionEvent<'regenerate' | 'login'>;
  /** A deadline passed. */
  expired: SessionEvent<'idle-timeout' | 'absolute-timeout'>;
  /** The store was full; or its user logged in elsewhere and has as many sessions as the option `maxSessionsPerUser` allows. */
  evicted: SessionEvent<'max-sessions' | 'max-bytes' | 'max-sessions-per-user'>;
  /** A session was ended. With `login`: by a login as another user. With `destroy-user`: with the other sessions of its user. */
  destroyed: SessionEvent<'destroy' | 'logout' | 'login' | 'clear' | 'destroy-user'>;
}

/** The events of a store on disk: those of its sessions and those of its files. */
export interface DurableSessionEvents extends SessionEvents, JournalEvents {}

/** The name of an event of every store. */
export type SessionEventName = keyof SessionEvents;
/** The name of an event of a store on disk. */
export type DurableSessionEventName = keyof DurableSessionEvents;
/** A listener of an event of every store. */
export type SessionListener<Name extends SessionEventName> = (event: SessionEvents[Name]) => void;

/** In the order of the addon's numbers for them. */
export const sessionEventNames = [
  'created',
  'regenerated',
  'expired',
  'evicted',
  'destroyed',
] as const satisfies SessionEventName[];
/** In the order of the addon's numbers for them. */
const reasons = [
  'create',
  'regenerate',
  'login',
  'idle-timeout',
  'absolute-timeout',
  'max-sessions',
  'max-bytes',
  'destroy',
  'logout',
  'clear',
  'max-sessions-per-user',
  'destroy-user',
] as const;
const VALUES_PER_EVENT = 4;

/** A bit mask of the events that somebody waits for: the addon creates only those. Watchers wait for all but `created`. */
export function eventMask(listeners: Listeners<SessionEvents>, { isEmpty }: Watchers): number {
  const isWanted = (name: SessionEventName): boolean => listeners.has(name) || (!isEmpty && name !== 'created');
  return sessionEventNames.reduce((mask, name, bit) => (isWanted(name) ? mask | (1 << bit) : mask), 0);
}

/** Notifies the watchers and the listeners of a batch of events, a flat array from the addon. */
export function notifyBatch(
  listeners: Listeners<SessionEvents>,
  watchers: Watchers,
  batch: readonly (string | number | null)[],
): void {
  for (let at = 0; at < batch.length; at += VALUES_PER_EVENT) {
    const name: SessionEventName = sessionEventNames[batch[at] as number]!;
    const event: SessionEvent = {
      handle: batch[at + 2] as string,
      uid: (batch[at + 3] as string | null) ?? GUEST,
      reason: reasons[batch[at + 1] as number]!,
    };
    if (!watchers.isEmpty && name !== 'created') {
      // A login is the reason of two events: over another user's session, and of the same session under a new id.
      const reason = name === 'regenerated' ? 'regenerate' : event.reason;
      watchers.notify(event.handle, reason as SessionEndReason);
    }
    listeners.notify(name, event as SessionEvents[typeof name]);
  }
}
