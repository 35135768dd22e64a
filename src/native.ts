/** The addon's classes and constants. The only file that imports the loader; it turns the addon's errors into `SessionError`s. */
import type * as Addon from '../index.js';
import { binaryError } from './binary.js';
import { noteCopy } from './copies.js';
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
  standing: 9,
  offset: 10,
  lsn: 11,
  written: 12,
  synced: 13,
  failed: 14,
  endsSynced: 15,
  endsFailed: 16,
  count: 17,
} as const;

/** The statuses that `commit`, `regenerate` and a cookie reader return. */
export const Status = { ok: 0, conflict: 1, gone: 2, absent: 3, rejected: 4 } as const;

/** The journal's states, as `acks` returns them. */
export const JournalState = { healthy: 0, healing: 1, degraded: 2, closed: 3 } as const;

const addon = load();
export const { findIds, keyPlaces } = addon;
export const NativeStore = translated(addon.NativeStore);
export const NativeInspection = translated(addon.NativeInspection);
export const NativeClock = translated(addon.NativeClock);

export const NativeOpening: typeof Addon.NativeOpening = class extends translated(addon.NativeOpening) {
  override finish(...args: Parameters<Addon.NativeOpening['finish']>): NativeStore {
    return Object.setPrototypeOf(super.finish(...args), NativeStore.prototype) as NativeStore;
  }
};

/** Loads the addon. @throws SessionError `ERR_SESSION_BINARY`. */
function load(): typeof Addon {
  noteCopy();
  try {
    return require('../index.js') as typeof Addon;
  } catch (cause) {
    throw binaryError(cause);
  }
}

/**
 * A class like one of the addon's whose methods throw `SessionError`s. It is a class of its own, because several copies of this package in
 * one process share the addon's: methods that each copy changed there would pile up, keep the copies, and throw another copy's errors.
 */
function translated<Class extends new (...args: never[]) => object>(Base: Class): Class {
  const Own = class extends (Base as unknown as new (...args: unknown[]) => object) {};
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(Base.prototype as object))) {
    if (name === 'constructor' || typeof value !== 'function') continue;
    const call = value as (...args: unknown[]) => unknown;
    Object.defineProperty(Own.prototype, name, {
      value(this: unknown, ...args: unknown[]): unknown {
        try {
          return call.apply(this, args);
        } catch (error) {
          throw toSessionError(error);
        }
      },
    });
  }
  return Own as unknown as Class;
}

/** The `SessionError` for an error that the addon threw; any other value unchanged. */
export function toSessionError(error: unknown): unknown {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (error instanceof SessionError || typeof code !== 'string' || !code.startsWith('ERR_SESSION_')) return error;
  return new SessionError(code as SessionErrorCode, String(message));
}
