/** What a store on disk can be told besides, and its defaults. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NativeJournalOptions } from '../native.js';
import { oneOf, typeError } from '../options.js';
import {
  checkStoreOptions,
  storeOptionNames,
  type SessionStoreOptions,
  type StoreLimits,
} from '../backend/store-options.js';

const durabilities = ['none', 'os', 'disk'] as const;
const corruptions = ['error', 'fresh', 'salvage'] as const;
const failures = ['reject', 'memory'] as const;

/** What an acknowledged write survives: nothing yet, the end of the process, the loss of power. */
export type Durability = (typeof durabilities)[number];

/** How far an opening is. `bytesTotal` is 0 until it is known. */
export interface OpeningProgress {
  readonly bytesRead: number;
  readonly bytesTotal: number;
  readonly sessions: number;
}

export interface DurableStoreOptions extends SessionStoreOptions {
  /**
   * The directory that holds the sessions: a path or a `file:` URL. It is made, with access for this user alone, if it is not
   * there; its parent must be. One process has it at a time. Default `'sessions.data'` in the working directory; in the
   * options of a middleware or a manager there is no default: giving it is what makes the store durable.
   */
  path?: string | URL;
  /**
   * What a session survives once its write is acknowledged. `'none'`: nothing yet; `close()` and `checkpoint()` write it.
   * `'os'` (default): the end of the process, however violent; the disk has it within a second. `'disk'`: a loss of power, at
   * the price of waiting for the disk at each write. The end of a session and its new id reach the disk first in every mode.
   */
  durability?: Durability;
  /**
   * What is done with damaged files. `'error'` (default): opening fails with `ERR_SESSION_CORRUPT`, and nothing is touched.
   * `'fresh'`: the store starts empty, and everybody logs in again. `'salvage'`: what can be read is kept, which **may bring
   * back sessions that were destroyed**, logged-out ones among them, because the record of their end may be what was lost.
   * The damaged files are kept aside in either case.
   */
  onCorruption?: 'error' | 'fresh' | 'salvage';
  /**
   * What is done while the disk fails. `'reject'` (default): writes fail, with `ERR_SESSION_IO` and then
   * `ERR_SESSION_DEGRADED`, until the disk has everything again. `'memory'`: writes go on and are acknowledged from memory,
   * which a restart forgets, logouts included; for sites where serving on is worth more. Either way `degraded` is told.
   */
  onDiskFailure?: 'reject' | 'memory';
  /** Called about ten times a second while the store is being opened, and at its end. Default: nobody is told. */
  onProgress?: (progress: OpeningProgress) => void;
}

/** The names that only a store on disk knows. */
export const durableOptionNames = [
  'path',
  'durability',
  'onCorruption',
  'onDiskFailure',
  'onProgress',
] as const satisfies (keyof DurableStoreOptions)[];

/** The options, checked, in the addon's units. */
export interface DurableSettings {
  readonly limits: StoreLimits;
  readonly journal: NativeJournalOptions;
  readonly durability: Durability;
  readonly onProgress: DurableStoreOptions['onProgress'];
  readonly clock: SessionStoreOptions['clock'];
}

/** @throws TypeError, RangeError for a wrong option. */
export function checkDurableOptions(options: DurableStoreOptions): DurableSettings {
  const limits = checkStoreOptions(options, [...storeOptionNames, ...durableOptionNames]);

  // Defaults.
  const { path = 'sessions.data', durability = 'os', onCorruption = 'error', onDiskFailure = 'reject' } = options;
  const { onProgress, clock } = options;

  // Check each and interpret it.
  oneOf('durability', durability, durabilities);
  oneOf('onCorruption', onCorruption, corruptions);
  oneOf('onDiskFailure', onDiskFailure, failures);
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw typeError('onProgress', onProgress, 'pass a function');
  }
  const journal = {
    path: directory(path),
    durability: durabilities.indexOf(durability),
    onCorruption: corruptions.indexOf(onCorruption),
    refuseWhenDegraded: onDiskFailure === 'reject',
  };
  return { limits, journal, durability, onProgress, clock };
}

/** The absolute path: what the process changes its working directory to later does not count. */
function directory(path: unknown): string {
  const mend = 'give the path of a directory, not empty and without NUL, or a file: URL';
  if (typeof path !== 'string' && !(path instanceof URL)) throw typeError('path', path, mend);
  if (path instanceof URL && path.protocol !== 'file:') throw typeError('path', path.href, mend);
  let text: string;
  try {
    text = path instanceof URL ? fileURLToPath(path) : path;
  } catch {
    throw typeError('path', String(path), mend);
  }
  if (text === '' || text.includes('\0')) {
    throw typeError('path', text, mend);
  }
  return resolve(text);
}
