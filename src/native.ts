/** The addon's classes and constants. The only file that imports the loader; it turns the addon's errors into `SessionError`s. */
import type * as Addon from '../index.js';
import { SessionError, type SessionErrorCode } from './errors.js';

export type {
  NativeContents,
  NativeDamagedPlace,
  NativeFileFacts,
  NativeInspected,
  NativeJournalEvent,
  NativeJournalOptions,
  NativeListed,
  NativeOptions,
  NativeRecovery,
  NativeStats,
} from '../index.js';
export type NativeStore = Addon.NativeStore;
export type NativeCalls = ReturnType<NativeStore['calls']>;
export type NativeOpening = Addon.NativeOpening;
export type NativeInspection = Addon.NativeInspection;
export type NativeClock = Addon.NativeClock;

/** The indices of the array of numbers that a store shares with the addon: the addon writes results there, JavaScript reads them. */
export const ResultIndex = {
  status: 0,
  version: 1,
  createdAt: 2,
  lastSeenAt: 3,
  idleTimeout: 4,
  absoluteDeadline: 5,
  authenticatedAt: 6,
  uidUnits: 7,
  formUnits: 8,
  offset: 9,
  lsn: 10,
  written: 11,
  synced: 12,
  failed: 13,
  endsSynced: 14,
  endsFailed: 15,
  count: 16,
} as const;

/** The statuses that `commit`, `regenerate` and a cookie reader return. */
export const Status = { ok: 0, conflict: 1, gone: 2, absent: 3, rejected: 4 } as const;

/** The journal's states, as `acks` returns them. */
export const JournalState = { healthy: 0, healing: 1, degraded: 2, closed: 3 } as const;

const addon = load();
export const { NativeStore, NativeOpening, NativeInspection, NativeClock, findIds } = addon;

for (const Class of [NativeStore, NativeOpening, NativeInspection, NativeClock]) {
  translateErrors(Class.prototype);
}

/** Loads the addon. @throws SessionError `ERR_SESSION_BINARY`. */
function load(): typeof Addon {
  try {
    return require('../index.js') as typeof Addon;
  } catch (cause) {
    const platform = platformName();
    throw new SessionError(
      'ERR_SESSION_BINARY',
      `agai-session has no native binary for this platform (${platform}): the package agai-session-${platform} is not ` +
        'installed or does not load. Install agai-session again on this very platform, without --omit=optional or ' +
        '--no-optional and not from a lock file or node_modules folder of another platform; if there is no such package, ' +
        'build the addon from the repository with `npm run build` (needs Rust).',
      { cause },
    );
  }
}

/** The name of this platform in the names of the binary packages. */
function platformName(): string {
  const { platform, arch } = process;
  if (platform === 'linux') {
    const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
    return `linux-${arch}-${report.header?.glibcVersionRuntime ? 'gnu' : 'musl'}`;
  }
  return platform === 'win32' ? `win32-${arch}-msvc` : `${platform}-${arch}`;
}

/** Wraps every method of an addon's class, once, so that it throws `SessionError`s. */
function translateErrors(prototype: object): void {
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (name === 'constructor' || typeof value !== 'function') continue;
    const call = value as (...args: unknown[]) => unknown;
    Object.defineProperty(prototype, name, {
      value(this: unknown, ...args: unknown[]): unknown {
        try {
          return call.apply(this, args);
        } catch (error) {
          throw toSessionError(error);
        }
      },
    });
  }
}

/** The `SessionError` for an error that the addon threw; any other value unchanged. */
export function toSessionError(error: unknown): unknown {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (error instanceof SessionError || typeof code !== 'string' || !code.startsWith('ERR_SESSION_')) return error;
  return new SessionError(code as SessionErrorCode, String(message));
}
