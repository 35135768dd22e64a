/** The sessions of this process, in the addon. Every method is synchronous and below a microsecond or a few. */
import { SessionError } from '../errors.js';
import { NativeStore, Place, Status, toSessionError, type NativeClock } from '../native.js';
import type {
  CommitOutcome,
  CookieLookup,
  SessionBackend,
  SessionChange,
  SessionDraft,
  SessionFacts,
  StoredSession,
  Timeouts,
} from './backend.js';
import type { StoreLimits } from './options.js';

/** Characters of an id. */
const ID_LENGTH = 43;
const GONE: CommitOutcome = { status: 'gone' };

/** The numbers that the addon answered, copied out of the shared array. */
class NativeFacts implements SessionFacts {
  readonly version: number;
  readonly createdAt: number;
  readonly lastSeenAt: number;
  readonly idleTimeout: number;
  readonly absoluteDeadline: number;
  readonly authenticatedAt: number;
  readonly #native: NativeStore;
  readonly #source: string;
  readonly #offset: number;

  /** `source` holds the id from `offset` on: the id itself, or the `Cookie` header it came in. */
  constructor(native: NativeStore, results: Float64Array, source: string, offset: number) {
    this.#native = native;
    this.#source = source;
    this.#offset = offset;
    this.version = results[Place.version]!;
    this.createdAt = results[Place.createdAt]!;
    this.lastSeenAt = results[Place.lastSeenAt]!;
    this.idleTimeout = results[Place.idleTimeout]!;
    this.absoluteDeadline = results[Place.absoluteDeadline]!;
    this.authenticatedAt = results[Place.authenticatedAt]!;
  }

  get id(): string {
    return this.#source.slice(this.#offset, this.#offset + ID_LENGTH);
  }

  get handle(): string {
    try {
      return this.#native.handleOf(this.id) ?? '';
    } catch (error) {
      // A record outlives its store, and can still be shown.
      if ((error as SessionError).code === 'ERR_SESSION_CLOSED') return '';
      throw error;
    }
  }
}

/** The same with the session's text, which is cut into its parts only when they are asked for. */
class NativeSession extends NativeFacts implements StoredSession {
  /** User id, form parameters and data in one. */
  readonly #text: string;
  readonly #uidUnits: number;
  readonly #formUnits: number;

  constructor(native: NativeStore, results: Float64Array, source: string, offset: number, text: string) {
    super(native, results, source, offset);
    this.#text = text;
    this.#uidUnits = results[Place.uidUnits]!;
    this.#formUnits = results[Place.formUnits]!;
  }

  get uid(): string | undefined {
    return this.#uidUnits > 0 ? this.#text.slice(0, this.#uidUnits) : undefined;
  }

  get form(): string {
    return this.#text.slice(this.#uidUnits, this.#uidUnits + this.#formUnits);
  }

  get data(): string {
    const start = this.#uidUnits + this.#formUnits;
    return start > 0 ? this.#text.slice(start) : this.#text;
  }
}

/** The contract over the addon's store. */
export class NativeBackend implements SessionBackend {
  readonly timeouts: Timeouts;
  readonly #maxSessionBytes: number;
  readonly #results = new Float64Array(Place.count);
  readonly #native: NativeStore;

  constructor(limits: StoreLimits, onEvents: () => void, clock: NativeClock | undefined) {
    this.timeouts = limits;
    this.#maxSessionBytes = limits.maxSessionBytes;
    try {
      this.#native = new NativeStore(limits, this.#results, onEvents, clock);
    } catch (error) {
      throw toSessionError(error);
    }
  }

  /** The addon's store, for the typed store above this. */
  get native(): NativeStore {
    return this.#native;
  }

  now(): number {
    return this.#native.now();
  }

  load(id: string, touch: boolean): StoredSession | undefined {
    const text = this.#native.load(id, touch);
    return text === null ? undefined : new NativeSession(this.#native, this.#results, id, 0, text);
  }

  create(draft: SessionDraft): SessionFacts {
    const { data, form = '', uid = '' } = draft;
    this.#checkSize(data);
    const { idleTimeout = NaN, absoluteTimeout = NaN } = draft;
    const id = this.#native.create(data, form, uid, idleTimeout, absoluteTimeout);
    return new NativeFacts(this.#native, this.#results, id, 0);
  }

  commit(id: string, version: number | undefined, change: SessionChange): CommitOutcome {
    this.#checkSize(change.data);
    const status = this.#native.commit(id, version ?? 0, change.data, change.form, change.idleTimeout ?? NaN);
    return status === Status.ok ? this.#ok(id) : this.#refused(id, status);
  }

  regenerate(id: string, version: number | undefined, change: SessionChange, uid?: string): CommitOutcome {
    this.#checkSize(change.data);
    const { data, form, idleTimeout = NaN } = change;
    const newId = this.#native.regenerate(id, version ?? 0, data, form, uid, idleTimeout);
    return newId === null ? this.#refused(id, this.#results[Place.status]!) : this.#ok(newId);
  }

  touch(id: string, idleTimeout?: number): boolean {
    return this.#native.touch(id, idleTimeout ?? NaN);
  }

  destroy(id: string, reason: 'destroy' | 'logout'): boolean {
    return this.#native.destroy(id, reason === 'logout');
  }

  cookieReader(name: string): CookieLookup {
    const find = this.#native.cookieReader(name);
    return (header, touch) => {
      let text: string | null;
      try {
        text = find(header, touch);
      } catch (error) {
        throw toSessionError(error);
      }
      if (text === null) return undefined;
      return new NativeSession(this.#native, this.#results, header, this.#results[Place.offset]!, text);
    };
  }

  /** Refuses what can only be too large before it is copied; the addon measures exactly. */
  #checkSize(data: string | undefined): void {
    if (data !== undefined && data.length > this.#maxSessionBytes) {
      throw new SessionError(
        'ERR_SESSION_TOO_LARGE',
        `the session takes ${data.length} bytes or more, but maxSessionBytes is ${this.#maxSessionBytes}`,
      );
    }
  }

  #ok(id: string): CommitOutcome {
    return { status: 'ok', facts: new NativeFacts(this.#native, this.#results, id, 0) };
  }

  #refused(id: string, status: number): CommitOutcome {
    const current = status === Status.conflict ? this.load(id, false) : undefined;
    return current ? { status: 'conflict', current } : GONE;
  }
}
