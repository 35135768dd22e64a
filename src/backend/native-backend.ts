/** The backend over the addon's store, which holds the sessions in this process. */
import { SessionError } from '../errors.js';
import { checkUid } from './ids.js';
import { removedOf, textOf } from './members.js';
import type { MaybePromise } from '../maybe-promise.js';
import { NativeStore, ResultIndex, Status, toSessionError, type NativeCalls, type NativeClock } from '../native.js';
import type { Acknowledgements } from './acknowledgements.js';
import { NativeFacts, NativeSession } from './native-session.js';
import type {
  Assurance,
  CommitOutcome,
  SessionBackend,
  SessionChange,
  SessionDraft,
  SessionFacts,
  SessionLogin,
  StoredSession,
  Timeouts,
} from './session-backend.js';
import { infosOf, type SessionInfo } from './session-info.js';
import type { StoreLimits } from './store-options.js';
import { Watchers, type Watcher } from './watchers.js';

const GONE: CommitOutcome = { status: 'gone' };

/** Level and whether the session is remembered, as the addon takes them. */
function flagsOf({ level = 1, remembered = false }: Assurance): number {
  return remembered ? level + 4 : level;
}

/** An open store of the addon, and the array that it shares. */
export interface OpenNative {
  readonly native: NativeStore;
  readonly results: Float64Array;
}

/** Opens a store in memory. `onSignal` is called when events are waiting. */
export function openMemory(limits: StoreLimits, onSignal: () => void, clock: NativeClock | undefined): OpenNative {
  const results = new Float64Array(ResultIndex.count);
  try {
    return { native: new NativeStore(limits, results, onSignal, clock), results };
  } catch (error) {
    throw toSessionError(error);
  }
}

/**
 * The sessions of this process. Every call takes a few microseconds at most. Reads return values; writes return values too, except
 * on disk where they have to wait.
 */
export class NativeBackend implements SessionBackend {
  readonly timeouts: Timeouts;
  /** Those who wait for the end of sessions. The store that takes the addon's events tells them. */
  readonly watchers: Watchers = new Watchers(() => this.onWatch());
  /** Called when the first watcher comes and when the last one has gone; the store that takes the events sets it. */
  onWatch: () => void = () => undefined;
  readonly #maxSessionBytes: number;
  readonly #results: Float64Array;
  readonly #native: NativeStore;
  /** The functions that requests call. Unlike the methods of `#native` they throw the addon's own errors. */
  readonly #calls: NativeCalls;
  #tokenKey: Uint8Array | undefined;
  /** `undefined` for a store in memory. */
  readonly #acks: Acknowledgements | undefined;

  constructor(limits: StoreLimits, { native, results }: OpenNative, acks?: Acknowledgements) {
    this.timeouts = limits;
    this.#maxSessionBytes = limits.maxSessionBytes;
    this.#native = native;
    this.#calls = native.calls();
    this.#results = results;
    this.#acks = acks;
  }

  /** The addon's store, for the typed store. */
  get native(): NativeStore {
    return this.#native;
  }

  get isSynchronous(): boolean {
    return this.#acks === undefined;
  }

  get tokenKey(): Uint8Array {
    return (this.#tokenKey ??= this.#native.tokenKey());
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
    return text === null ? undefined : new NativeSession(this.#results, id, 0, text);
  }

  /** The text of one key's value; `''` if the session has no such key, `undefined` if there is no such session. */
  loadKey(id: string, name: string): string | undefined {
    try {
      return this.#calls.loadKey(id, name) ?? undefined;
    } catch (error) {
      throw toSessionError(error);
    }
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
    const methods = draft.methods?.join(',');
    const id = this.#calls.create(data, form, uid, idleTimeout, absoluteTimeout, flagsOf(draft), methods);
    const facts = new NativeFacts(this.#results, id, 0);
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
    const { data, keys, form, idleTimeout = NaN } = change;
    const set = keys && textOf(keys);
    const removed = keys && removedOf(keys);
    const status = this.#calls.commit(id, version ?? 0, data, set, removed, form, idleTimeout);
    if (status !== Status.ok) return this.#refused(id, status);
    const outcome = this.#ok(id);
    return this.#acks === undefined ? outcome : this.#acks.saved(outcome);
  }

  regenerate(
    id: string,
    version: number | undefined,
    change: SessionChange,
    login?: SessionLogin,
    alone?: boolean,
  ): MaybePromise<CommitOutcome> {
    this.#checkSize(change.data);
    try {
      return this.#regenerate(id, version, change, login, alone);
    } catch (error) {
      return this.#retry(error, this.#regenerate, id, version, change, login, alone);
    }
  }

  #regenerate(
    id: string,
    version: number | undefined,
    change: SessionChange,
    login: SessionLogin | undefined,
    alone: boolean | undefined,
  ): MaybePromise<CommitOutcome> {
    const { data, keys, form, idleTimeout = NaN } = change;
    const set = keys && textOf(keys);
    const removed = keys && removedOf(keys);
    const uid = login === undefined ? undefined : checkUid(login.uid);
    const absoluteTimeout = login?.absoluteTimeout ?? NaN;
    const newId = this.#native.regenerate(
      id,
      version ?? 0,
      data,
      set,
      removed,
      form,
      uid,
      idleTimeout,
      absoluteTimeout,
      login ? flagsOf(login) : 0,
      login?.methods?.join(','),
      alone ?? false,
    );
    if (newId === null) return this.#refused(id, this.#results[ResultIndex.status]!);
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

  destroy(handle: string, reason: 'destroy' | 'logout'): MaybePromise<boolean> {
    return this.#ended(this.#native.destroyByHandle(handle, reason === 'logout'));
  }

  /** Ends the session of an id, if the id's secret is its current one. False if there is none. */
  destroyById(id: string): MaybePromise<boolean> {
    return this.#ended(this.#native.destroy(id));
  }

  sessionsOf(uid: string): SessionInfo[] {
    return infosOf(this.#native.sessionsOf(uid), 0);
  }

  destroyUser(uid: string, except?: string): MaybePromise<number> {
    return this.#ended(this.#native.destroyUser(uid, except));
  }

  clear(): MaybePromise<number> {
    return this.#ended(this.#native.clear());
  }

  watch(handle: string, watcher: Watcher, isHeld: boolean): () => void {
    return this.watchers.add(handle, watcher, isHeld);
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
      return new NativeSession(this.#results, header, this.#results[ResultIndex.offset]!, text);
    };
  }

  /** Refuses data that is certainly too large before it is copied; the addon measures exactly. */
  #checkSize(data: string | undefined): void {
    if (data !== undefined && data.length > this.#maxSessionBytes) {
      throw new SessionError(
        'ERR_SESSION_TOO_LARGE',
        `the session takes ${data.length} bytes or more, but maxSessionBytes is ${this.#maxSessionBytes}`,
      );
    }
  }

  /** Repeats a write that was refused because too many wait for the disk; throws any other error. */
  #retry<Args extends unknown[], T>(
    thrown: unknown,
    write: (this: NativeBackend, ...args: Args) => MaybePromise<T>,
    ...args: Args
  ): Promise<T> {
    const error = toSessionError(thrown);
    if (this.#acks === undefined) throw error;
    return this.#acks.retry(error, () => {
      try {
        return write.apply(this, args);
      } catch (error) {
        throw toSessionError(error);
      }
    });
  }

  #ok(id: string): CommitOutcome {
    return { status: 'ok', facts: new NativeFacts(this.#results, id, 0) };
  }

  #ended<T>(result: T): MaybePromise<T> {
    return this.#acks === undefined ? result : this.#acks.ended(result);
  }

  #refused(id: string, status: number): CommitOutcome {
    const current = status === Status.conflict ? this.load(id, false) : undefined;
    return current ? { status: 'conflict', current } : GONE;
  }
}
