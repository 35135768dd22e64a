/** What a store tells its listeners. */
import { GUEST } from './ids.js';

/** Something that happened to a session. Carries its public handle, never its id. */
export interface SessionEvent<Reason extends string = string> {
  readonly handle: string;
  /** `'Guest'` for a guest. */
  readonly uid: string;
  readonly reason: Reason;
}

/** Each event and its reasons. */
export interface SessionEvents {
  created: SessionEvent<'create'>;
  /** The session has a new id; handle and data are the same. */
  regenerated: SessionEvent<'regenerate' | 'login'>;
  /** A deadline passed. */
  expired: SessionEvent<'idle-timeout' | 'absolute-timeout'>;
  /** There was no room. */
  evicted: SessionEvent<'max-sessions' | 'max-bytes'>;
  destroyed: SessionEvent<'destroy' | 'logout' | 'clear'>;
}

export type SessionEventName = keyof SessionEvents;
export type SessionListener<Name extends SessionEventName> = (event: SessionEvents[Name]) => void;

/** The addon's numbers for kinds and reasons. */
const names = ['created', 'regenerated', 'expired', 'evicted', 'destroyed'] as const satisfies SessionEventName[];
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
] as const;
const VALUES_PER_EVENT = 4;

/** The listeners of one store. One that throws disturbs nobody: its error becomes a process warning. */
export class Listeners {
  readonly #byName = new Map<SessionEventName, Set<SessionListener<never>>>();

  add<Name extends SessionEventName>(name: Name, listener: SessionListener<Name>): void {
    if (!names.includes(name)) {
      throw new TypeError(`there is no session event ${String(name)}, only ${names.join(', ')}`);
    }
    if (typeof listener !== 'function') throw new TypeError(`the listener of ${name} must be a function`);
    const listeners = this.#byName.get(name) ?? new Set();
    this.#byName.set(name, listeners.add(listener));
  }

  remove<Name extends SessionEventName>(name: Name, listener: SessionListener<Name>): void {
    this.#byName.get(name)?.delete(listener);
  }

  /** Removes all, also in the middle of a batch. */
  clear(): void {
    for (const listeners of this.#byName.values()) listeners.clear();
  }

  /** Which kinds of events the addon must make. */
  get mask(): number {
    return names.reduce((mask, name, bit) => (this.#byName.get(name)?.size ? mask | (1 << bit) : mask), 0);
  }

  /** Calls the listeners with a batch as the addon gives it. */
  emit(batch: readonly (string | number | null)[]): void {
    for (let at = 0; at < batch.length; at += VALUES_PER_EVENT) {
      const name = names[batch[at] as number]!;
      const event = {
        handle: batch[at + 2] as string,
        uid: (batch[at + 3] as string | null) ?? GUEST,
        reason: reasons[batch[at + 1] as number]!,
      };
      const listeners = this.#byName.get(name);
      if (listeners === undefined) continue;
      // A copy: a listener that is added during an event is first told of the next. One that is removed is told no more.
      for (const listener of Array.from(listeners)) {
        if (!listeners.has(listener)) continue;
        try {
          (listener as (event: SessionEvent) => void)(event);
        } catch (error) {
          warnOfListener(name, error);
        }
      }
    }
  }
}

function warnOfListener(name: SessionEventName, cause: unknown): void {
  const detail = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  process.emitWarning(`a listener of the session event "${name}" threw; the others were still called`, {
    type: 'SessionWarning',
    code: 'SESSION_LISTENER_THREW',
    detail,
  });
}
