/** Who waits for the disk, and what they are told. */
import { SessionError, type SessionErrorCode } from '../errors.js';
import type { MaybePromise } from '../maybe-promise.js';
import { JournalState, Place, type NativeStore } from '../native.js';
import { AckQueue } from './ack-queue.js';
import type { Durability } from './options.js';
import { Pulse } from './pulse.js';

/** Beats that an acknowledgement may take: two seconds. A busy event loop misses beats, and is not taken for a slow disk. */
const MAX_BEATS = 2_000 / Pulse.INTERVAL_MS + 1;
const SLOW =
  'the disk took more than 2 s: memory has this change, and the disk will have it when it can. Nothing else needs to be done';

/**
 * The acknowledgements of one store. Every write has a number, the LSN; the journal tells up to which it has handed writes to
 * the operating system, and up to which the disk has them. What needs no waiting is answered at once, as a value.
 */
export class Acknowledgements {
  readonly #native: NativeStore;
  readonly #results: Float64Array;
  readonly #fromMemory: boolean;
  readonly #written = new AckQueue();
  readonly #synced = new AckQueue();
  /** The ends of sessions, for which there is room on a disk that is full otherwise. */
  readonly #ended = new AckQueue();
  /** Those who asked for the disk itself: they have patience, and are never told anything but the truth. */
  readonly #flushed = new AckQueue();
  /** Where ordinary writes wait; `undefined` where they do not. */
  readonly #saved: AckQueue | undefined;
  readonly #pulse = new Pulse(() => this.#beat());
  #state: number = JournalState.healthy;
  /** Writes up to here that are not acknowledged have failed; the ends of sessions have theirs. */
  #failed = 0;
  #endsFailed = 0;
  /** Those who wait for anything to change. */
  #change: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  /** `fromMemory`: writes go on while the disk fails. */
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

  /** The answer of the write that was just made, once it survives what the store's durability says. */
  saved<T>(answer: T): MaybePromise<T> {
    return this.#saved === undefined ? answer : this.#wait(this.#saved, answer);
  }

  /** The answer of what was just moved to another id, once the disk has it: the old id must not come back. */
  moved<T>(answer: T): MaybePromise<T> {
    return this.#wait(this.#synced, answer);
  }

  /** The answer of what was just ended, once the disk has it: a logout that a crash undoes is a break-in. */
  ended<T>(answer: T): MaybePromise<T> {
    return this.#wait(this.#ended, answer);
  }

  /** Kept once the disk has the write that was just made, however long it takes. */
  flushed(): MaybePromise<void> {
    return this.#wait(this.#flushed, undefined);
  }

  /**
   * Makes a write again that found the queue full, each time the journal got on, until the time is up. `write` throws if it is
   * refused once more; it answers a promise that is broken if it was made and is not acknowledged.
   */
  async retry<T>(write: () => MaybePromise<T>): Promise<T> {
    const end = this.#pulse.beats + MAX_BEATS;
    for (;;) {
      await this.changed();
      let answer: MaybePromise<T>;
      try {
        answer = write();
      } catch (error) {
        if (!isBackpressure(error) || this.#pulse.beats >= end) throw error;
        continue;
      }
      return await answer;
    }
  }

  /** Resolves when the journal tells anything, a beat later at the latest. */
  changed(): Promise<void> {
    if (this.#change === undefined) {
      let resolve!: () => void;
      const promise = new Promise<void>((kept) => {
        resolve = kept;
      });
      this.#change = { promise, resolve };
      this.#pulse.start();
    }
    return this.#change.promise;
  }

  /** Asks the journal how far it is, and tells those who waited for it. */
  update(): void {
    this.#state = this.#native.acks();
    this.#failed = this.#results[Place.failed]!;
    this.#endsFailed = this.#results[Place.endsFailed]!;
    this.#ended.acknowledge(this.#results[Place.endsSynced]!);
    this.#written.acknowledge(this.#results[Place.written]!);
    this.#synced.acknowledge(this.#results[Place.synced]!);
    this.#flushed.acknowledge(this.#results[Place.synced]!);
    if (this.#isWaitedFor) this.#tellOfTrouble();
    const change = this.#change;
    this.#change = undefined;
    if (!this.#isWaitedFor) this.#pulse.rest();
    change?.resolve();
  }

  /** The newest error of the disk. */
  diskError(): SessionError {
    const { code, message } = this.#native.ioError() ?? { code: '', message: 'the disk failed' };
    const ours = code.startsWith('ERR_SESSION_') ? (code as SessionErrorCode) : 'ERR_SESSION_IO';
    return new SessionError(ours, message);
  }

  /** What a wait ends with that the disk does not meet. */
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

  get #isWaitedFor(): boolean {
    const waiting = this.#written.size + this.#synced.size + this.#ended.size + this.#flushed.size;
    return waiting > 0 || this.#change !== undefined;
  }

  #wait<T>(queue: AckQueue, answer: T): MaybePromise<T> {
    const lsn = this.#results[Place.lsn]!;
    if (lsn <= queue.acknowledged) return answer;
    if (this.#state !== JournalState.healthy || lsn <= this.#failedOf(queue)) {
      // What is known may be old: a signal that tells of the mend may be on its way.
      this.update();
      if (lsn <= queue.acknowledged) return answer;
      const fails = lsn <= this.#failedOf(queue);
      const isKeptInMemory = this.#fromMemory && !this.#isBroken && queue !== this.#flushed;
      if (isKeptInMemory && (fails || this.#state === JournalState.healing)) return answer;
      if (fails) return Promise.reject(this.failure());
    }
    this.#pulse.start();
    return queue.wait(lsn, answer, this.#pulse.beats);
  }

  /** Settles those who wait in vain. */
  #tellOfTrouble(): void {
    const failure = (): SessionError => this.failure();
    this.#flushed.fail(this.#failedOf(this.#flushed), failure);
    for (const queue of [this.#written, this.#synced, this.#ended]) {
      if (!this.#fromMemory || this.#isBroken) queue.fail(this.#failedOf(queue), failure);
      else queue.release(this.#state === JournalState.healthy ? this.#failedOf(queue) : Infinity);
    }
  }

  /** Whether the store failed inside: then memory does not go on either. */
  get #isBroken(): boolean {
    return this.#failed > Number.MAX_SAFE_INTEGER && this.diskError().code === 'ERR_SESSION_INTERNAL';
  }

  /** Up to where those of a queue wait in vain. */
  #failedOf(queue: AckQueue): number {
    if (this.isClosed) return Infinity;
    if (queue === this.#ended) return this.#endsFailed;
    return this.isDegraded ? Infinity : this.#failed;
  }

  /** Signals do not keep the process alive and might not come: who waits is looked after, and told if it takes too long. */
  #beat(): void {
    this.update();
    const since = this.#pulse.beats - MAX_BEATS;
    const slow = (): SessionError => new SessionError('ERR_SESSION_BACKPRESSURE', SLOW);
    this.#written.expire(since, slow);
    this.#synced.expire(since, slow);
    this.#ended.expire(since, slow);
    if (!this.#isWaitedFor) this.#pulse.rest();
  }
}

/** Whether a write was refused, with nothing changed, because too many wait for the disk. */
export function isBackpressure(error: unknown): boolean {
  return (error as SessionError).code === 'ERR_SESSION_BACKPRESSURE';
}
