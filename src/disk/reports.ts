/** What a store on disk reports of its files. */

/** What a checkpoint wrote: a snapshot of all sessions, which makes the log before it superfluous. */
export interface CheckpointResult {
  /** One more at each snapshot. */
  readonly generation: number;
  readonly sessions: number;
  readonly bytes: number;
  readonly durationMs: number;
}

/** What opening a store found on the disk, and what it did about it. */
export interface RecoveryReport {
  /** Whether there was nothing: the store is new. */
  readonly created: boolean;
  readonly generation: number;
  /** Sessions that were brought back. */
  readonly sessions: number;
  /** Sessions that were left out because their deadline had passed. */
  readonly expired: number;
  /** Sessions that were left out because the bounds are lower now. */
  readonly evicted: number;
  /** Records of the log that were applied. */
  readonly records: number;
  /** Bytes of a write that a crash had cut short: the log was cut back by them. None of it was acknowledged. */
  readonly tornBytes: number;
  /** The file that they were copied to. */
  readonly tornFile?: string;
  /** Files that are kept because they are damaged, with `onCorruption` `'fresh'` or `'salvage'`. */
  readonly damaged: readonly string[];
  /** Where they are damaged, in words: file, byte, records. */
  readonly damages: readonly string[];
  /** By how many milliseconds the machine's clock had been set back; all times were moved with it. */
  readonly clockSetBack: number;
  readonly durationMs: number;
}
