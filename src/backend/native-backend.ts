/**
 * The sessions of this process, in the addon. Every call takes a microsecond or less, or a few. Without a journal all answer
 * values; with one, a write answers a promise where it has to wait for the disk, and reads go on answering values.
 */
import { SessionError } from '../errors.js';
import type { MaybePromise } from '../maybe-promise.js';
import { NativeStore, Place, Status, toSessionError, type NativeCalls, type NativeClock } from '../native.js';
import type {
  CommitOutcome,
  SessionBackend,
  SessionChange,
  SessionDraft,
  SessionFacts,
  StoredSession,
  Timeouts,
} from './session-backend.js';
import { isBackpressure, type Acknowledgements } from '../disk/acknowledgements.js';
import type { StoreLimits } from './store-options.js';

/** Characters of an id. */
const ID_LENGTH = 43;
const GONE: CommitOutcome = { status: 'gone' };

/** What the addon answered of a session, copied out of the shared array. */
class NativeFacts implements SessionFacts {
  readonly #native: NativeStore;
  readonly #source: string;
  readonly #offset: number;
  /** By their places. As properties most of them would be objects of their own, which is a fifteenth of an untouched request. */
  readonly #numbers: readonly number[];

  /** `source` holds the id from `offset` on: the id itself, or the `Cookie` header it came in. */
  constructor(native: NativeStore, results: Float64Array, source: string, offset: number) {
    this.#native = native;
    this.#source = source;
    this.#offset = offset;
    this.#numbers = [
      results[Place.status]!,
      results[Place.version]!,
      results[Place.createdAt]!,
      results[Place.lastSeenAt]!,
      results[Place.idleTimeout]!,
      results[Place.absoluteDeadline]!,
      results[Place.authenticatedAt]!,
      results[Place.uidUnits]!,
      results[Place.formUnits]!,
    ];
  }

  get version(): number {
    return this.#numbers[Place.version]!;
  }

  get createdAt(): number {
    return this.#numbers[Place.createdAt]!;
  }

  get lastSeenAt(): number {
    return this.#numbers[Place.lastSeenAt]!;
  }

  get idleTimeout(): number {
    return this.#numbers[Place.idleTimeout]!;
  }

  get absoluteDeadline(): number {
    return this.#numbers[Place.absoluteDeadline]!;
  }

  get authenticatedAt(): number {
    return this.#numbers[Place.authenticatedAt]!;
  }

  /** Characters of the user id, with which the session's text begins. */
  protected get uidUnits(): number {
    return this.#numbers[Place.uidUnits]!;
  }

  /** Characters of the form parameters, which follow. */
  protected get formUnits(): number {
    return this.#numbers[Place.formUnits]!;
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

  constructor(native: NativeStore, results: Float64Array, source: string, offset: number, text: string) {
    super(native, results, source, offset);
    this.#text = text;
  }

  get uid(): string | undefined {
    return this.uidUnits > 0 ? this.#text.slice(0, this.uidUnits) : undefined;
  }

  get form(): string {
    return this.#text.slice(this.uidUnits, this.uidUnits + this.formUnits);
  }

  get data(): string {
    const start = this.uidUnits + this.formUnits;
    return start > 0 ? this.#text.slice(start) : this.#text;
  }
}

/** An addon's store, and the array that it shares. */
export interface OpenNative {
  readonly native: NativeStore;
  readonly results: Float64Array;
}

/** Opens a store in memory. `onSignal` is called when the addon has something to tell. */
export function openMemory(limits: StoreLimits, onSignal: () => void, clock: NativeClock | undefined): OpenNative {
  const results = new Float64Array(Place.count);
  try {
    return { native: new NativeStore(limits, results, onSignal, clock), results };
  } catch (error) {
    throw toSessionError(error);
  }
}

/** The contract over the addon's store. */
export class NativeBackend implements SessionBackend {
  readonly timeouts: Timeouts;
  readonly #maxSessionBytes: number;
  readonly #results: Float64Array;
  readonly #native: NativeStore;
  /** What requests call. Unlike the methods of `#native` they throw the addon's own errors. */
  readonly #calls: NativeCalls;
  /** `undefined` without a journal. */
  readonly #acks: Acknowledgements | undefined;

  constructor(limits: StoreLimits, { native, results }: OpenNative, acks?: Acknowledgements) {
    this.timeouts = limits;
    this.#maxSessionBytes = limits.maxSessionBytes;
    this.#native = native;
    this.#calls = native.calls();
    this.#results = results;
    this.#acks = acks;
  }

  /** The addon's store, for the typed store above this. */
  get native(): NativeStore {
    return this.#native;
  }

  now(): number {
    return this.#native.now();
  }

  load(id: string, touch: boolean): StoredSession | undefined {
    let text: string | null;
    try {
      text = this.#calls.load(id, touch);
    } catch (error) {
      throw toSessionError(error);
    }
    return text === null ? undefined : new NativeSession(this.#native, this.#results, id, 0, text);
  }

  create(draft: SessionDraft): MaybePromise<SessionFacts> {
    this.#checkSize(draft.data);
    try {
      return this.#create(draft);
    } catch (error) {
      return this.#retry(error, this.#create, draft);
    }
  }

  #create(draft: SessionDraft): MaybePromise<SessionFacts> {
    const { data, form = '', uid = '' } = draft;
    const { idleTimeout = NaN, absoluteTimeout = NaN } = draft;
    const id = this.#calls.create(data, form, uid, idleTimeout, absoluteTimeout);
    const facts = new NativeFacts(this.#native, this.#results, id, 0);
    return this.#acks === undefined ? facts : this.#acks.saved(facts);
  }

  commit(id: string, version: number | undefined, change: SessionChange): MaybePromise<CommitOutcome> {
    this.#checkSize(change.data);
    try {
      return this.#commit(id, version, change);
    } catch (error) {
      return this.#retry(error, this.#commit, id, version, change);
    }
  }

  #commit(id: string, version: number | undefined, change: SessionChange): MaybePromise<CommitOutcome> {
    const status = this.#calls.commit(id, version ?? 0, change.data, change.form, change.idleTimeout ?? NaN);
    if (status !== Status.ok) return this.#refused(id, status);
    const outcome = this.#ok(id);
    return this.#acks === undefined ? outcome : this.#acks.saved(outcome);
  }

  regenerate(
    id: string,
    version: number | undefined,
    change: SessionChange,
    uid?: string,
  ): MaybePromise<CommitOutcome> {
    this.#checkSize(change.data);
    try {
      return this.#regenerate(id, version, change, uid);
    } catch (error) {
      return this.#retry(error, this.#regenerate, id, version, change, uid);
    }
  }

  #regenerate(
    id: string,
    version: number | undefined,
    change: SessionChange,
    uid: string | undefined,
  ): MaybePromise<CommitOutcome> {
    const { data, form, idleTimeout = NaN } = change;
    const newId = this.#native.regenerate(id, version ?? 0, data, form, uid, idleTimeout);
    if (newId === null) return this.#refused(id, this.#results[Place.status]!);
    const outcome = this.#ok(newId);
    return this.#acks === undefined ? outcome : this.#acks.moved(outcome);
  }

  touch(id: string, idleTimeout?: number): boolean {
    try {
      return this.#calls.touch(id, idleTimeout ?? NaN);
    } catch (error) {
      throw toSessionError(error);
    }
  }

  destroy(id: string, reason: 'destroy' | 'logout'): MaybePromise<boolean> {
    const ended = this.#native.destroy(id, reason === 'logout');
    return this.#acks === undefined ? ended : this.#acks.ended(ended);
  }

  destroyByHandle(handle: string): MaybePromise<boolean> {
    const ended = this.#native.destroyByHandle(handle);
    return this.#acks === undefined ? ended : this.#acks.ended(ended);
  }

  clear(): MaybePromise<number> {
    const ended = this.#native.clear();
    return this.#acks === undefined ? ended : this.#acks.ended(ended);
  }

  cookieReader(name: string): (header: string, touch: boolean) => StoredSession | undefined {
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

  /** Waits for room and makes a write again that was refused for want of it; any other error stays one. */
  #retry<Args extends unknown[], T>(
    thrown: unknown,
    write: (this: NativeBackend, ...args: Args) => MaybePromise<T>,
    ...args: Args
  ): Promise<T> {
    const error = toSessionError(thrown);
    if (this.#acks === undefined || !isBackpressure(error)) throw error;
    return this.#acks.retry(() => {
      try {
        return write.apply(this, args);
      } catch (error) {
        throw toSessionError(error);
      }
    });
  }

  #ok(id: string): CommitOutcome {
    return { status: 'ok', facts: new NativeFacts(this.#native, this.#results, id, 0) };
  }

  #refused(id: string, status: number): CommitOutcome {
    const current = status === Status.conflict ? this.load(id, false) : undefined;
    return current ? { status: 'conflict', current } : GONE;
  }
}
