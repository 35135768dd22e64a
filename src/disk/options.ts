/** The options of a store on disk. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NativeJournalOptions } from '../native.js';
import { bare, duration, kindError, oneOf, typeError, type Duration } from '../options.js';
import {
  checkStoreOptions,
  storeOptionNames,
  type SessionStoreOptions,
  type StoreLimits,
} from '../backend/store-options.js';

const durabilities = ['none', 'os', 'disk'] as const;
const corruptions = ['error', 'fresh', 'salvage'] as const;
const failures = ['reject', 'memory'] as const;

/** What an acknowledged write survives: nothing, the end of the process, a loss of power. */
export type Durability = (typeof durabilities)[number];

/** The progress of an opening. `bytesTotal` is 0 until it is known. */
export interface OpeningProgress {
  readonly bytesRead: number;
  readonly bytesTotal: number;
  readonly sessions: number;
}

/** The options of a store on disk, and of a manager with `path`. */
export interface DurableStoreOptions extends SessionStoreOptions {
  /**
   * The directory that holds the sessions: a path or a `file:` URL. If it does not exist, it is created, accessible to this user only;
   * its parent must exist. One process can use it at a time. Default `'sessions.data'` in the working directory. A middleware or a
   * manager has no default: its store is on disk only if you set `path`.
   */
  path?: string | URL;
  /**
   * What a session survives once its write is acknowledged. `'none'`: nothing; `close()` and `checkpoint()` write it. `'os'`
   * (default): the end of the process, even by `kill -9`; the disk has it within a second. `'disk'`: a loss of power, but each write
   * waits for the disk. The end of a session and its move to a new id wait for the disk in every mode.
   */
  durability?: Durability;
  /**
   * What happens if files are damaged. `'error'` (default): opening fails with `ERR_SESSION_CORRUPT`, and the files are not changed.
   * `'fresh'`: the store starts empty, and everybody logs in again. `'salvage'`: all sessions that can be read are kept, which **may
   * bring back sessions that were destroyed**, including logged-out ones, because the record of their end may be in the damaged part.
   * The last two keep the damaged files aside.
   */
  onCorruption?: 'error' | 'fresh' | 'salvage';
  /**
   * What happens while the disk fails. `'reject'` (default): writes fail, with `ERR_SESSION_IO` and then `ERR_SESSION_DEGRADED`, until
   * the disk has everything again. `'memory'`: writes are acknowledged from memory, and a restart loses them, logouts included; for
   * sites where availability matters more. The event `degraded` is emitted in both modes.
   */
  onDiskFailure?: 'reject' | 'memory';
  /**
   * How long opening waits while another process has the directory open, as during a rolling restart: a duration, 0 for not at all,
   * `Infinity` for as long as it takes. Then it fails with `ERR_SESSION_LOCKED`. Default 0; for a middleware or a manager that opens its
   * own store `'10s'`.
   */
  openTimeout?: Duration;
  /** Called about ten times a second while the store is being opened, and at the end. Default: none. */
  onProgress?: (progress: OpeningProgress) => void;
}

/** The names of the options that only a store on disk has. */
export const durableOptionNames = [
  'path',
  'durability',
  'onCorruption',
  'onDiskFailure',
  'openTimeout',
  'onProgress',
] as const satisfies (keyof DurableStoreOptions)[];

/** The checked options, in the addon's units. */
export interface DurableSettings {
  readonly limits: StoreLimits;
  readonly journal: NativeJournalOptions;
  readonly durability: Durability;
  /** In milliseconds. */
  readonly openTimeout: number;
  readonly onProgress: DurableStoreOptions['onProgress'];
  readonly clock: SessionStoreOptions['clock'];
}

/** Checks options and fills in the defaults. @throws TypeError, RangeError for a wrong option. */
export function checkDurableOptions(options: DurableStoreOptions): DurableSettings {
  const limits = checkStoreOptions(options, [...storeOptionNames, ...durableOptionNames]);
  const own = bare(options);

  // Defaults.
  const { path = 'sessions.data', durability = 'os', onCorruption = 'error', onDiskFailure = 'reject' } = own;
  const { onProgress, clock, openTimeout = 0 } = own;

  // Check each and interpret it.
  oneOf('durability', durability, durabilities);
  oneOf('onCorruption', onCorruption, corruptions);
  oneOf('onDiskFailure', onDiskFailure, failures);
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw kindError('onProgress', onProgress, 'pass a function');
  }
  const journal = {
    path: directory(path),
    durability: durabilities.indexOf(durability),
    onCorruption: corruptions.indexOf(onCorruption),
    refuseWhenDegraded: onDiskFailure === 'reject',
  };
  return {
    limits,
    journal,
    durability,
    openTimeout: openTimeout === 0 ? 0 : duration('openTimeout', openTimeout),
    onProgress,
    clock,
  };
}

/** The absolute path of the directory, independent of later changes of the working directory. */
function directory(path: unknown): string {
  const fix = 'give the path of a directory, not empty and without NUL, or a file: URL';
  if (typeof path !== 'string' && !(path instanceof URL)) throw kindError('path', path, fix);
  // A URL of a database may have a password in it, so the message shows only its protocol.
  const protocol = path instanceof URL ? path.protocol : /^[a-z][a-z0-9+.-]+:(?=\/\/)/i.exec(path)?.[0];
  if (protocol !== undefined && (protocol !== 'file:' || typeof path === 'string')) {
    throw new TypeError(
      `option path: ${fix}${protocol === 'file:' ? ', as an object: new URL(...)' : ''}; got a URL of the protocol ${protocol}`,
    );
  }
  let text: string;
  try {
    text = path instanceof URL ? fileURLToPath(path) : path;
  } catch {
    throw new TypeError(`option path: ${fix}; got a file: URL that is no path of this system`);
  }
  if (text === '' || text.includes('\0')) {
    throw typeError('path', text, fix);
  }
  return resolve(text);
}
