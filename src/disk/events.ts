/** The events of a store on disk, besides those of its sessions. */
import type { SessionError } from '../errors.js';
import type { CheckpointResult, RecoveryReport } from './reports.js';

/**
 * The events of the files of a store on disk. Without a listener, `degraded`, a `checkpoint` that failed and a `recovered` of files that
 * were not intact become process warnings.
 */
export interface JournalEvents {
  /**
   * A checkpoint ended, whether it was requested or started because the log had grown. `error` if it failed: the log goes on, and the
   * checkpoint is tried again.
   */
  checkpoint: (CheckpointResult & { readonly error?: undefined }) | { readonly error: SessionError };
  /** The disk keeps failing; see the option `onDiskFailure`. With `ERR_SESSION_INTERNAL` the store itself failed, for good. */
  degraded: { readonly error: SessionError };
  /** The disk has all sessions again. */
  healed: CheckpointResult;
  /** Emitted once, in a turn of the event loop after the opening. */
  recovered: RecoveryReport;
}

export const journalEventNames = [
  'checkpoint',
  'degraded',
  'healed',
  'recovered',
] as const satisfies (keyof JournalEvents)[];
