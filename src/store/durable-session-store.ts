/** The typed store on disk. */
import type { MaybePromise } from '../maybe-promise.js';
import { Acknowledgements } from '../disk/acknowledgements.js';
import type { DurableSettings, Durability } from '../disk/options.js';
import { journalEventNames, Listeners, sessionEventNames, type DurableSessionEvents } from './events.js';
import { Journal } from '../disk/journal.js';
import type { CheckpointResult, RecoveryReport } from '../disk/reports.js';
import { NativeBackend, type OpenNative } from '../backend/native-backend.js';
import { openJournal } from '../disk/opening.js';
import { SessionReads } from './store-reads.js';
import type { SessionRecord } from './session-record.js';
import { SessionWrites, type CommitResult, type CreateOptions, type DataChange } from './store-writes.js';
import { Signal } from '../backend/signal.js';

/**
 * Sessions in this process's memory and on its disk: `await SessionStore.open(options)` opens one. Reads are those of a
 * `SessionStore`, synchronous. A write is seen by every reader at once, and its promise is kept when the write survives what
 * `durability` says; the end of a session, or its new id, always when the disk has it.
 *
 * Every write may also fail with `ERR_SESSION_IO` or `ERR_SESSION_BACKPRESSURE`, where memory may have the change and the disk
 * may not yet, or with `ERR_SESSION_DEGRADED`.
 */
export class DurableSessionStore<Data extends object = Record<string, unknown>> extends SessionReads<
  Data,
  DurableSessionEvents
> {
  /** The directory, as an absolute path. */
  readonly path: string;
  readonly durability: Durability;
  readonly #writes: SessionWrites<Data>;
  readonly #journal: Journal;
  readonly #listeners: Listeners;
  #closing: Promise<void> | undefined;

  /** @internal Use `SessionStore.open`. */
  constructor(settings: DurableSettings, open: OpenNative, signal: Signal) {
    const { limits, journal, durability } = settings;
    const acks = new Acknowledgements(open.native, open.results, durability, !journal.refuseWhenDegraded);
    const native = new NativeBackend(limits, open, acks);
    const listeners = new Listeners([...sessionEventNames, ...journalEventNames]);
    const files = new Journal(open.native, acks, listeners, signal);
    super(native, listeners, signal);
    this.path = journal.path;
    this.durability = durability;
    this.#writes = new SessionWrites<Data>(native);
    this.#journal = files;
    this.#listeners = listeners;
  }

  /** What opening found on the disk, and what it did about it. */
  get recovery(): RecoveryReport {
    return this.#journal.recovery;
  }

  /** Whether the disk keeps failing, so that it does not have all sessions; see the option `onDiskFailure`. */
  get degraded(): boolean {
    return this.#journal.isDegraded;
  }

  /**
   * Stores a new session under a new random id, which is in the answer.
   * @throws SessionError `ERR_SESSION_DATA`, `ERR_SESSION_TOO_LARGE`, `ERR_SESSION_FULL`, `ERR_SESSION_UID`.
   */
  create(data: Data, options: CreateOptions = {}): Promise<SessionRecord<Data>> {
    return promised(() => this.#writes.create(data, options));
  }

  /**
   * Writes data that was made from `version`, or over whichever is stored if that is `undefined`. Counts as activity.
   * @throws SessionError as `create`.
   */
  commit(id: string, version: number | undefined, data: Data): Promise<CommitResult<Data>> {
    return promised(() => this.#writes.commit(id, version, data));
  }

  /**
   * Reads a session, lets `change` alter its data or answer other data, and commits; again from what is then stored if another
   * write came in between. Answers the session as written, or `undefined` if there is none.
   * @throws SessionError as `create`, and `ERR_SESSION_CONFLICT` if `change` itself writes the session each time.
   */
  update(id: string, change: DataChange<Data>): Promise<SessionRecord<Data> | undefined> {
    return promised(() => this.#writes.update(id, change));
  }

  /**
   * Moves a session to a new id in one step: the old one is dead, data and handle stay. With `uid` it becomes that user's,
   * logged in now. `undefined` if there is no such session.
   */
  regenerate(id: string, options: { uid?: string } = {}): Promise<SessionRecord<Data> | undefined> {
    return promised(() => this.#writes.regenerate(id, options));
  }

  /** Ends a session; false if there is none. */
  destroy(id: string): Promise<boolean> {
    return promised(() => this.#writes.destroy(id));
  }

  /** Ends the session that a public handle names; false if there is none. */
  destroyByHandle(handle: string): Promise<boolean> {
    return promised(() => this.#writes.destroyByHandle(handle));
  }

  /** Ends all sessions, however many. Answers how many there were. */
  clear(): Promise<number> {
    return promised(() => this.#writes.clear());
  }

  /** Kept once the disk has all that was written before this call, whatever the durability. */
  flush(): Promise<void> {
    return this.#journal.flush();
  }

  /**
   * Writes a snapshot of all sessions now, while requests go on. It is done by itself as the log grows, and on close.
   * @throws SessionError `ERR_SESSION_IO` if it failed, `ERR_SESSION_DEGRADED` while the disk keeps failing.
   */
  checkpoint(): Promise<CheckpointResult> {
    return this.#journal.checkpoint();
  }

  /**
   * Writes all to the disk and lets go of the directory. From the call on every other call throws `ERR_SESSION_CLOSED`, or
   * rejects with it; writes that are under way are finished. A second call answers the same promise.
   */
  close(): Promise<void> {
    if (this.#closing === undefined) {
      this.#listeners.close();
      this.#closing = this.#journal.close();
    }
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Opens a store with options that were checked. */
export async function openDurableStore<Data extends object>(
  settings: DurableSettings,
): Promise<DurableSessionStore<Data>> {
  const signal = new Signal();
  return new DurableSessionStore<Data>(settings, await openJournal(settings, signal.send), signal);
}

/** What a call answers or throws, as a promise. */
function promised<T>(call: () => MaybePromise<T>): Promise<T> {
  try {
    return Promise.resolve(call());
  } catch (error) {
    return Promise.reject(error);
  }
}
