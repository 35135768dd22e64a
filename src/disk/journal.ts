/** The files of one store, as far as JavaScript has to do with them: flush, checkpoint, close, and their news. */
import { SessionError, type SessionErrorCode } from '../errors.js';
import type { NativeJournalEvent, NativeStore } from '../native.js';
import type { Acknowledgements } from './acknowledgements.js';
import type { JournalEvents, Listeners } from '../store/events.js';
import type { CheckpointResult, RecoveryReport } from './reports.js';
import type { Signal } from '../backend/signal.js';

export class Journal {
  readonly recovery: RecoveryReport;
  readonly #native: NativeStore;
  readonly #acks: Acknowledgements;
  readonly #listeners: Listeners;
  /** Checkpoints that somebody waits for, and what became of those that ended. */
  readonly #checkpoints = new Map<number, JournalEvents['checkpoint'] | undefined>();
  /** What kept the last close from being a clean one. */
  #closeError: SessionError | undefined;

  constructor(native: NativeStore, acks: Acknowledgements, listeners: Listeners, signal: Signal) {
    this.#native = native;
    this.#acks = acks;
    this.#listeners = listeners;
    this.recovery = Object.freeze(native.recovery()!);
    signal.tell(this.#onSignal);
    // In a later turn: a listener that is added right after the opening hears of it.
    setImmediate(() => this.#tellOfRecovery());
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
    // What is known may be old: a signal that tells of the mend may be on its way.
    this.#acks.update();
    for (;;) {
      this.#takeEvents();
      const outcome = this.#checkpoints.get(ticket);
      if (outcome) return outcome;
      if (this.#acks.isClosed) {
        const closed = new SessionError('ERR_SESSION_CLOSED', 'the store was closed before the checkpoint ended');
        return { error: this.#closeError ?? closed };
      }
      // The next snapshot is that which heals, and nobody knows when.
      if (this.#acks.isDegraded) return { error: this.#acks.failure() };
      await this.#acks.changed();
    }
  }

  /** Ends with everything on the disk, or with the error that kept it from there. */
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
    for (const event of this.#native.takeJournalEvents()) this.#tell(event);
  }

  #tell(event: NativeJournalEvent): void {
    const error = errorOf(event);
    switch (event.kind) {
      case 'checkpoint':
        this.#tellOfCheckpoint(error ? { error } : resultOf(event), event.ticket);
        return;
      case 'degraded':
        this.#tellOfDegraded(error ?? this.#acks.diskError());
        return;
      case 'healed':
        this.#listeners.tell('healed', resultOf(event));
        return;
      case 'closed':
        this.#closeError = error;
    }
  }

  /** One checkpoint serves all who asked before it began. */
  #tellOfCheckpoint(outcome: JournalEvents['checkpoint'], ticket = 0): void {
    let isAwaited = false;
    for (const asked of this.#checkpoints.keys()) {
      if (asked > ticket) continue;
      this.#checkpoints.set(asked, outcome);
      isAwaited = true;
    }
    if (this.#listeners.tell('checkpoint', outcome) || isAwaited || !outcome.error || this.#listeners.isClosed) return;
    warn('SESSION_CHECKPOINT_FAILED', `a checkpoint failed and will be tried again: ${outcome.error.message}`);
  }

  #tellOfDegraded(error: SessionError): void {
    if (this.#listeners.tell('degraded', { error }) || this.#listeners.isClosed) return;
    const isBroken = error.code === 'ERR_SESSION_INTERNAL';
    const what = isBroken ? '' : 'the disk keeps failing, and does not have all sessions any more: ';
    warn('SESSION_DEGRADED', `${what}${error.message}`);
  }

  #tellOfRecovery(): void {
    const { tornBytes, tornFile, damages } = this.recovery;
    if (this.#listeners.isClosed || this.#listeners.tell('recovered', this.recovery)) return;
    if (tornBytes === 0 && damages.length === 0) return;
    const torn = tornBytes > 0 ? [`an unfinished write of ${tornBytes} bytes was cut off (${tornFile})`] : [];
    warn('SESSION_RECOVERED', `the sessions on the disk were not whole: ${[...torn, ...damages].join('; ')}`);
  }
}

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
