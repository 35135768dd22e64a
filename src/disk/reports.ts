/** Reports of a store on disk about its files. */

/** The result of a checkpoint: a snapshot of all sessions, which makes the log before it unnecessary. */
export interface CheckpointResult {
  /** The number of the snapshot, incremented by each. */
  readonly generation: number;
  readonly sessions: number;
  readonly bytes: number;
  readonly durationMs: number;
}

/** What opening a store found on the disk, and what it did about it. */
export interface RecoveryReport {
  /** True if there were no files: the store is new. */
  readonly created: boolean;
  /** The number of the snapshot that was read. */
  readonly generation: number;
  /** Sessions that were recovered. */
  readonly sessions: number;
  /** Sessions that were left out because their deadline had passed. */
  readonly expired: number;
  /** Sessions that were left out because the bounds are lower now. */
  readonly evicted: number;
  /** Records of the log that were applied. */
  readonly records: number;
  /** Bytes of an unfinished write at the end of the log, which were cut off. None of it was acknowledged. */
  readonly tornBytes: number;
  /** The file that those bytes were copied to. */
  readonly tornFile?: string;
  /** Damaged files, which are kept aside with `onCorruption` `'fresh'` or `'salvage'`. */
  readonly damaged: readonly string[];
  /** Where they are damaged, in words: file, byte, records. */
  readonly damages: readonly string[];
  /** By how many milliseconds the system clock had been set back; all times were shifted by it. */
  readonly clockSetBack: number;
  /** How long opening took. */
  readonly durationMs: number;
}
