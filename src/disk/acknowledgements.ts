/** When writes to a store on disk are acknowledged, and with what error they fail otherwise. */
import type { Acknowledgements } from '../backend/acknowledgements.js';
import { SessionError, type SessionErrorCode } from '../errors.js';
import type { MaybePromise } from '../maybe-promise.js';
import { JournalState, ResultIndex, type NativeStore } from '../native.js';
import { AckQueue } from './ack-queue.js';
import type { Durability } from './options.js';
import { Pulse } from './pulse.js';

/** Ticks that an acknowledgement may take: two seconds. A busy event loop misses ticks, and so is not taken for a slow disk. */
const MAX_TICKS = 2_000 / Pulse.INTERVAL_MS + 1;
const SLOW =
  'the disk took more than 2 s: memory has this change, and the disk will have it when it can. Nothing else needs to be done';

/**
 * The acknowledgements of one store. Every write has a log sequence number (LSN). The journal reports up to which LSN it has passed
 * writes to the operating system (written), and up to which the disk has them (synced). A write that need not wait returns its result
 * immediately, as a value.
 */
export class DiskAcknowledgements implements Acknowledgements {
  readonly #native: NativeStore;
  readonly #results: Float64Array;
  readonly #fromMemory: boolean;
  readonly #written = new AckQueue();
  readonly #synced = new AckQueue();
  /** Ends of sessions. Space is reserved for them, so they may succeed on a disk that is full otherwise. */
  readonly #ended = new AckQueue();
  /** Calls of `flush`: they wait without a time limit, and never resolve before the disk has the write. */
  readonly #flushed = new AckQueue();
  /** The queue of ordinary writes; `undefined` if they do not wait. */
  readonly #saved: AckQueue | undefined;
  readonly #pulse = new Pulse(() => this.#onTick());
  #state: number = JournalState.healthy;
  /** Writes up to this LSN that are not acknowledged have failed. */
  #failed = 0;
  /** The same for ends of sessions. */
  #endsFailed = 0;
  /** Resolved at the next report of the journal. */
  #change: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  /** `fromMemory`: writes are acknowledged from memory while the disk fails. */
  constructor(native: NativeStore, results: Float64Array, durability: Durability, fromMemory: boolean) {
    this.#native = native;
    this.#results = results;
    this.#fromMemory = fromMemory;
    this.#saved = { none: undefined, os: this.#written, disk: this.#synced }[durability];
  }

  get isDegraded(): boolean {
    return this.#state === JournalState.degraded;
  }

  get isClosed(): boolean {
    return this.#state === JournalState.closed;
  }

  saved<T>(result: T): MaybePromise<T> {
    return this.#saved === undefined ? result : this.#wait(this.#saved, result);
  }

  moved<T>(result: T): MaybePromise<T> {
    return this.#wait(this.#synced, result);
  }

  ended<T>(result: T): MaybePromise<T> {
    return this.#wait(this.#ended, result);
  }

  /** Waits until the disk has the latest write, however long it takes. */
  flushed(): MaybePromise<void> {
    return this.#wait(this.#flushed, undefined);
  }

  retry<T>(error: unknown, write: () => MaybePromise<T>): Promise<T> {
    if (!isBackpressure(error)) throw error;
    return this.#retry(write);
  }

  /** Repeats a write each time the journal made progress, until it is not refused or the time is up. */
  async #retry<T>(write: () => MaybePromise<T>): Promise<T> {
    const end = this.#pulse.ticks + MAX_TICKS;
    for (;;) {
      await this.changed();
      let result: MaybePromise<T>;
      try {
        result = write();
      } catch (error) {
        if (!isBackpressure(error) || this.#pulse.ticks >= end) throw error;
        continue;
      }
      // The write was made; if its promise rejects, it was not acknowledged, and must not be repeated.
      return await result;
    }
  }

  /** Resolves when the journal reports anything, or at the next tick. */
  changed(): Promise<void> {
    if (this.#change === undefined) {
      let resolve!: () => void;
      const promise = new Promise<void>((resolvePromise) => {
        resolve = resolvePromise;
      });
      this.#change = { promise, resolve };
      this.#pulse.start();
    }
    return this.#change.promise;
  }

  /** Reads the journal's progress, and settles the promises that it decides. */
  update(): void {
    this.#state = this.#native.acks();
    this.#failed = this.#results[ResultIndex.failed]!;
    this.#endsFailed = this.#results[ResultIndex.endsFailed]!;
    this.#ended.acknowledge(this.#results[ResultIndex.endsSynced]!);
    this.#written.acknowledge(this.#results[ResultIndex.written]!);
    this.#synced.acknowledge(this.#results[ResultIndex.synced]!);
    this.#flushed.acknowledge(this.#results[ResultIndex.synced]!);
    if (this.#hasWaiters) this.#settleFailed();
    const change = this.#change;
    this.#change = undefined;
    if (!this.#hasWaiters) this.#pulse.stop();
    change?.resolve();
  }

  /** The latest error of the disk. */
  diskError(): SessionError {
    const { code, message } = this.#native.ioError() ?? { code: '', message: 'the disk failed' };
    const ours = code.startsWith('ERR_SESSION_') ? (code as SessionErrorCode) : 'ERR_SESSION_IO';
    return new SessionError(ours, message);
  }

  /** The error of a write that the disk did not take. */
  failure(): SessionError {
    const cause = this.diskError();
    if (!this.isDegraded) return cause;
    const state = this.#fromMemory ? 'it does not have all sessions' : 'writes are refused';
    return new SessionError(
      'ERR_SESSION_DEGRADED',
      `the disk keeps failing: ${state} until it has everything again: ${cause.message}`,
      { cause },
    );
  }

  get #hasWaiters(): boolean {
    const waiting = this.#written.size + this.#synced.size + this.#ended.size + this.#flushed.size;
    return waiting > 0 || this.#change !== undefined;
  }

  #wait<T>(queue: AckQueue, result: T): MaybePromise<T> {
    const lsn = this.#results[ResultIndex.lsn]!;
    if (lsn <= queue.acknowledged) return result;
    if (this.#state !== JournalState.healthy || lsn <= this.#failedUpTo(queue)) {
      // The known state may be out of date: a signal that the disk has recovered may be on its way.
      this.update();
      if (lsn <= queue.acknowledged) return result;
      const fails = lsn <= this.#failedUpTo(queue);
      const isKeptInMemory = this.#fromMemory && !this.#isBroken && queue !== this.#flushed;
      if (isKeptInMemory && (fails || this.#state === JournalState.healing)) return result;
      if (fails) return Promise.reject(this.failure());
    }
    this.#pulse.start();
    return queue.wait(lsn, result, this.#pulse.ticks);
  }

  /** Settles the promises of writes that failed: rejects them, or resolves them from memory. */
  #settleFailed(): void {
    const failure = (): SessionError => this.failure();
    this.#flushed.reject(this.#failedUpTo(this.#flushed), failure);
    for (const queue of [this.#written, this.#synced, this.#ended]) {
      if (!this.#fromMemory || this.#isBroken) queue.reject(this.#failedUpTo(queue), failure);
      else queue.resolve(this.#state === JournalState.healthy ? this.#failedUpTo(queue) : Infinity);
    }
  }

  /** True if the store itself failed: then writes are not acknowledged from memory either. */
  get #isBroken(): boolean {
    return this.#failed > Number.MAX_SAFE_INTEGER && this.diskError().code === 'ERR_SESSION_INTERNAL';
  }

  /** The LSN up to which the waiters of a queue have failed. */
  #failedUpTo(queue: AckQueue): number {
    if (this.isClosed) return Infinity;
    if (queue === this.#ended) return this.#endsFailed;
    return this.isDegraded ? Infinity : this.#failed;
  }

  /** Signals do not keep the process alive and may be lost, so the state is also read at each tick; long waits are ended. */
  #onTick(): void {
    this.update();
    const since = this.#pulse.ticks - MAX_TICKS;
    const slow = (): SessionError => new SessionError('ERR_SESSION_BACKPRESSURE', SLOW);
    this.#written.expire(since, slow);
    this.#synced.expire(since, slow);
    this.#ended.expire(since, slow);
    if (!this.#hasWaiters) this.#pulse.stop();
  }
}

/** Whether a write was refused, and nothing changed, because too many wait for the disk. */
function isBackpressure(error: unknown): boolean {
  return (error as SessionError).code === 'ERR_SESSION_BACKPRESSURE';
}
