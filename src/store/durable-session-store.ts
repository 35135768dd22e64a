/** The typed store on disk. */
import { NativeBackend, type OpenNative } from '../backend/native-backend.js';
import { Signal } from '../backend/signal.js';
import type { DefaultSessionData } from '../data.js';
import { DiskAcknowledgements } from '../disk/acknowledgements.js';
import { journalEventNames } from '../disk/events.js';
import { Journal } from '../disk/journal.js';
import { openJournal } from '../disk/opening.js';
import type { DurableSettings, Durability } from '../disk/options.js';
import type { CheckpointResult, RecoveryReport } from '../disk/reports.js';
import { Listeners } from '../listeners.js';
import { sessionEventNames, type DurableSessionEvents } from './events.js';
import { promiseWrites, StoreWrites } from './store-writes.js';

/**
 * A store of sessions in this process's memory and in a directory on disk, opened with `await SessionStore.open(options)`. Reads are
 * synchronous, as those of a `SessionStore`. A write is visible to every reader immediately; its promise resolves when the write survives
 * what `durability` says. The end of a session, or its move to a new id, always resolves when the disk has it. A pending promise keeps the
 * process alive; an open store does not.
 *
 * Every write rejects with what a `SessionStore` throws, and may also fail with `ERR_SESSION_IO` or `ERR_SESSION_BACKPRESSURE`, in which
 * case memory may have the change and the disk may not have it yet, or with `ERR_SESSION_DEGRADED`.
 */
export class DurableSessionStore<Data extends object = DefaultSessionData> extends StoreWrites<
  Data,
  'disk',
  DurableSessionEvents
> {
  static {
    promiseWrites(this.prototype);
  }

  /** The directory, as an absolute path. */
  readonly path: string;
  /** The option `durability`. */
  readonly durability: Durability;
  readonly #journal: Journal;
  readonly #listeners: Listeners<DurableSessionEvents>;
  readonly #native: NativeBackend;
  #closing: Promise<void> | undefined;

  /** @internal For `openDurableStore`. A static method, so that the constructor can be private in the declarations. */
  static of<Data extends object>(
    settings: DurableSettings,
    open: OpenNative,
    signal: Signal,
  ): DurableSessionStore<Data> {
    return new DurableSessionStore<Data>(settings, open, signal);
  }

  private constructor(settings: DurableSettings, open: OpenNative, signal: Signal) {
    if (open === undefined || !('native' in open)) {
      throw new TypeError('a store on disk takes a moment to open: use `await SessionStore.open(options)`');
    }
    const { limits, journal, durability } = settings;
    const acks = new DiskAcknowledgements(open.native, open.results, durability, !journal.refuseWhenDegraded);
    const native = new NativeBackend(limits, open, acks);
    const listeners = new Listeners<DurableSessionEvents>([...sessionEventNames, ...journalEventNames]);
    // Its listener of the signal comes before the store's: writes are acknowledged before events are delivered.
    const files = new Journal(open.native, acks, listeners, signal);
    super(native, listeners, signal);
    this.path = journal.path;
    this.durability = durability;
    this.#journal = files;
    this.#listeners = listeners;
    this.#native = native;
  }

  /** What opening found on the disk, and what it did about it. */
  get recovery(): RecoveryReport {
    return this.#journal.recovery;
  }

  /** True while the disk keeps failing and so does not have all sessions; see the option `onDiskFailure`. */
  get degraded(): boolean {
    return this.#journal.isDegraded;
  }

  /**
   * Resolves once the disk has everything that was written before this call, whatever the durability and however long it takes.
   * @throws SessionError `ERR_SESSION_DEGRADED` while the disk keeps failing.
   */
  flush(): Promise<void> {
    return this.#journal.flush();
  }

  /**
   * Writes a snapshot of all sessions now, while requests go on. This also happens by itself as the log grows, and on close; call it before
   * a backup.
   * @throws SessionError `ERR_SESSION_IO` if it failed, `ERR_SESSION_DEGRADED` while the disk keeps failing.
   */
  checkpoint(): Promise<CheckpointResult> {
    return this.#journal.checkpoint();
  }

  /**
   * Writes everything to the disk and releases the directory. From this call on, every other call throws or rejects with
   * `ERR_SESSION_CLOSED`; writes in progress are finished, and `path`, `durability`, `degraded` and `recovery` can still be read. A second
   * call returns the same promise. A store that was not closed can be opened again; the opening then reads the log, which takes longer.
   * @throws SessionError if not everything could be written, such as `ERR_SESSION_IO`.
   */
  close(): Promise<void> {
    if (this.#closing === undefined) {
      this.#listeners.close();
      this.#closing = this.#journal.close();
      this.#native.watchers.close();
    }
    return this.#closing;
  }

  /** Closes the store at the end of a block: `await using store = await SessionStore.open()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Opens a store with checked options. */
export async function openDurableStore<Data extends object>(
  settings: DurableSettings,
): Promise<DurableSessionStore<Data>> {
  const signal = new Signal();
  return DurableSessionStore.of<Data>(settings, await openJournal(settings, signal.send), signal);
}
