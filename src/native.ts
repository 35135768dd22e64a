/** The only importer of the addon's loader. Past this file, whatever goes wrong is a `SessionError`. */
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

/** What each place of the array holds that a store shares with the addon. */
export const Place = {
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

/** The answers of `commit`, `regenerate` and a cookie reader's `find`. */
export const Status = { ok: 0, conflict: 1, gone: 2, absent: 3, rejected: 4 } as const;

/** The journal's states, as `acks` answers them. */
export const JournalState = { healthy: 0, healing: 1, degraded: 2, closed: 3 } as const;

const addon = load();
export const { NativeStore, NativeOpening, NativeInspection, NativeClock, findIds } = addon;

for (const Class of [NativeStore, NativeOpening, NativeInspection, NativeClock]) {
  translateErrors(Class.prototype);
}

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

function platformName(): string {
  const { platform, arch } = process;
  if (platform === 'linux') {
    const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
    return `linux-${arch}-${report.header?.glibcVersionRuntime ? 'gnu' : 'musl'}`;
  }
  return platform === 'win32' ? `win32-${arch}-msvc` : `${platform}-${arch}`;
}

/** Wraps every method of the addon's class, once. */
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

/** An error that the addon threw, as ours; anything else unchanged. */
export function toSessionError(error: unknown): unknown {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (error instanceof SessionError || typeof code !== 'string' || !code.startsWith('ERR_SESSION_')) return error;
  return new SessionError(code as SessionErrorCode, String(message));
}
