/** The journal of a store on disk, as JavaScript sees it: flush, checkpoint, close, and its events. */
import type { Signal } from '../backend/signal.js';
import { SessionError, type SessionErrorCode } from '../errors.js';
import type { Listeners } from '../listeners.js';
import type { NativeJournalEvent, NativeStore } from '../native.js';
import type { DiskAcknowledgements } from './acknowledgements.js';
import type { JournalEvents } from './events.js';
import type { CheckpointResult, RecoveryReport } from './reports.js';

/** Checkpoints, flushes and closing of one store, and the notification of its listeners. */
export class Journal {
  readonly recovery: RecoveryReport;
  readonly #native: NativeStore;
  readonly #acks: DiskAcknowledgements;
  readonly #listeners: Listeners<JournalEvents>;
  /** Checkpoints that somebody waits for, by ticket, with the results of those that ended. */
  readonly #checkpoints = new Map<number, JournalEvents['checkpoint'] | undefined>();
  /** The error because of which the store did not close cleanly. */
  #closeError: SessionError | undefined;

  constructor(native: NativeStore, acks: DiskAcknowledgements, listeners: Listeners<JournalEvents>, signal: Signal) {
    this.#native = native;
    this.#acks = acks;
    this.#listeners = listeners;
    this.recovery = Object.freeze(native.recovery()!);
    signal.listen(this.#onSignal);
    // In a later turn, so that a listener which is added right after the opening is called.
    setImmediate(() => this.#notifyRecovered());
  }

  get isDegraded(): boolean {
    return this.#acks.isDegraded;
  }

  async flush(): Promise<void> {
    this.#native.flush();
    await this.#acks.flushed();
  }

  async checkpoint(): Promise<CheckpointResult> {
    const ticket = this.#native.checkpoint();
    this.#checkpoints.set(ticket, undefined);
    try {
      const { error, ...result } = await this.#ended(ticket);
      if (error) throw error;
      return result as CheckpointResult;
    } finally {
      this.#checkpoints.delete(ticket);
    }
  }

  async #ended(ticket: number): Promise<JournalEvents['checkpoint']> {
    // The known state may be out of date: a signal that the disk has recovered may be on its way.
    this.#acks.update();
    for (;;) {
      this.#takeEvents();
      const outcome = this.#checkpoints.get(ticket);
      if (outcome) return outcome;
      if (this.#acks.isClosed) {
        const closed = new SessionError('ERR_SESSION_CLOSED', 'the store was closed before the checkpoint ended');
        return { error: this.#closeError ?? closed };
      }
      // The next snapshot is the one after which the disk is healthy again, and nobody knows when that will be.
      if (this.#acks.isDegraded) return { error: this.#acks.failure() };
      await this.#acks.changed();
    }
  }

  /** Resolves once everything is on the disk; rejects with the error if that failed. */
  async close(): Promise<void> {
    this.#native.close();
    while (!this.#acks.isClosed) await this.#acks.changed();
    this.#takeEvents();
    if (this.#closeError) throw this.#closeError;
  }

  readonly #onSignal = (): void => {
    this.#acks.update();
    this.#takeEvents();
  };

  #takeEvents(): void {
    for (const event of this.#native.takeJournalEvents()) this.#notify(event);
  }

  #notify(event: NativeJournalEvent): void {
    const error = errorOf(event);
    switch (event.kind) {
      case 'checkpoint':
        this.#notifyCheckpoint(error ? { error } : resultOf(event), event.ticket);
        return;
      case 'degraded':
        this.#notifyDegraded(error ?? this.#acks.diskError());
        return;
      case 'healed':
        this.#listeners.notify('healed', resultOf(event));
        return;
      case 'closed':
        this.#closeError = error;
    }
  }

  /** One checkpoint serves all requests that were made before it began. */
  #notifyCheckpoint(outcome: JournalEvents['checkpoint'], ticket = 0): void {
    let isAwaited = false;
    for (const asked of this.#checkpoints.keys()) {
      if (asked > ticket) continue;
      this.#checkpoints.set(asked, outcome);
      isAwaited = true;
    }
    if (this.#listeners.notify('checkpoint', outcome) || isAwaited || !outcome.error || this.#listeners.isClosed)
      return;
    warn('SESSION_CHECKPOINT_FAILED', `a checkpoint failed and will be tried again: ${outcome.error.message}`);
  }

  #notifyDegraded(error: SessionError): void {
    if (this.#listeners.notify('degraded', { error }) || this.#listeners.isClosed) return;
    const isBroken = error.code === 'ERR_SESSION_INTERNAL';
    const what = isBroken ? '' : 'the disk keeps failing, and no longer has all sessions: ';
    warn('SESSION_DEGRADED', `${what}${error.message}`);
  }

  #notifyRecovered(): void {
    const { tornBytes, tornFile, damages } = this.recovery;
    if (this.#listeners.isClosed || this.#listeners.notify('recovered', this.recovery)) return;
    if (tornBytes === 0 && damages.length === 0) return;
    const torn = tornBytes > 0 ? [`an unfinished write of ${tornBytes} bytes was cut off (${tornFile})`] : [];
    warn('SESSION_RECOVERED', `the files of the sessions were not intact: ${[...torn, ...damages].join('; ')}`);
  }
}

/** The error of an event, if it has one. */
function errorOf({ code, message = 'the disk failed' }: NativeJournalEvent): SessionError | undefined {
  if (code === undefined) return undefined;
  return new SessionError(code.startsWith('ERR_SESSION_') ? (code as SessionErrorCode) : 'ERR_SESSION_IO', message);
}

function resultOf({ generation = 0, sessions = 0, bytes = 0, durationMs = 0 }: NativeJournalEvent): CheckpointResult {
  return { generation, sessions, bytes, durationMs };
}

function warn(code: string, message: string): void {
  process.emitWarning(message, { type: 'SessionWarning', code });
}
