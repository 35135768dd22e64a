/** What a store tells its listeners. */
import type { SessionError } from '../errors.js';
import { GUEST } from '../backend/ids.js';
import type { CheckpointResult, RecoveryReport } from '../disk/reports.js';

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

/** What a store on disk tells besides. */
export interface JournalEvents {
  /** A checkpoint ended: asked for, or made because the log had grown. `error` if it failed; the log goes on, and it is tried again. */
  checkpoint: (CheckpointResult & { readonly error?: undefined }) | { readonly error: SessionError };
  /** The disk keeps failing; see the option `onDiskFailure`. With `ERR_SESSION_INTERNAL` the store failed inside, for good. */
  degraded: { readonly error: SessionError };
  /** The disk has everything again. */
  healed: CheckpointResult;
  /** Told once, in a turn after the opening. */
  recovered: RecoveryReport;
}

export interface DurableSessionEvents extends SessionEvents, JournalEvents {}

export type SessionEventName = keyof SessionEvents;
export type DurableSessionEventName = keyof DurableSessionEvents;
export type SessionListener<Name extends SessionEventName> = (event: SessionEvents[Name]) => void;

/** The addon's numbers for kinds and reasons. */
export const sessionEventNames = [
  'created',
  'regenerated',
  'expired',
  'evicted',
  'destroyed',
] as const satisfies SessionEventName[];
export const journalEventNames = [
  'checkpoint',
  'degraded',
  'healed',
  'recovered',
] as const satisfies (keyof JournalEvents)[];
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

type Listener = (event: never) => void;
const NONE: readonly Listener[] = [];

/** The listeners of one store. One that throws disturbs nobody: its error becomes a process warning. */
export class Listeners {
  readonly #names: readonly string[];
  /** Never changed in place: whoever goes through one goes through it as it was. A million may expire at once, and a copy for each is garbage. */
  readonly #byName = new Map<string, readonly Listener[]>();
  #isClosed = false;

  /** `names`: the events that there are. */
  constructor(names: readonly string[]) {
    this.#names = names;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  add(name: string, listener: Listener): void {
    if (!this.#names.includes(name)) {
      throw new TypeError(`there is no session event ${String(name)}, only ${this.#names.join(', ')}`);
    }
    if (typeof listener !== 'function') throw new TypeError(`the listener of ${name} must be a function`);
    const listeners = this.#of(name);
    if (!listeners.includes(listener)) this.#byName.set(name, [...listeners, listener]);
  }

  remove(name: string, listener: Listener): void {
    this.#byName.set(
      name,
      this.#of(name).filter((other) => other !== listener),
    );
  }

  #of(name: string): readonly Listener[] {
    return this.#byName.get(name) ?? NONE;
  }

  /** Removes all, also in the middle of a batch: nobody is told anything any more. */
  close(): void {
    this.#isClosed = true;
    this.#byName.clear();
  }

  /** Which kinds of events the addon must make. */
  get mask(): number {
    return sessionEventNames.reduce((mask, name, bit) => (this.#of(name).length > 0 ? mask | (1 << bit) : mask), 0);
  }

  /** Calls the listeners with a batch as the addon gives it. */
  emit(batch: readonly (string | number | null)[]): void {
    for (let at = 0; at < batch.length; at += VALUES_PER_EVENT) {
      this.tell(sessionEventNames[batch[at] as number]!, {
        handle: batch[at + 2] as string,
        uid: (batch[at + 3] as string | null) ?? GUEST,
        reason: reasons[batch[at + 1] as number]!,
      });
    }
  }

  /** Calls the listeners of one event; false if there are none. */
  tell<Name extends DurableSessionEventName>(name: Name, event: DurableSessionEvents[Name] | SessionEvent): boolean {
    const listeners = this.#of(name);
    // A listener that is added during an event is first told of the next. One that is removed is told no more.
    for (const listener of listeners) {
      if (this.#of(name) !== listeners && !this.#of(name).includes(listener)) continue;
      try {
        (listener as (event: unknown) => void)(event);
      } catch (error) {
        warnOfListener(name, error);
      }
    }
    return listeners.length > 0;
  }
}

export function warnOfListener(name: string, cause: unknown): void {
  const detail = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  process.emitWarning(`a listener of the session event "${name}" threw; the others were still called`, {
    type: 'SessionWarning',
    code: 'SESSION_LISTENER_THREW',
    detail,
  });
}
