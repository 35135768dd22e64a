/** The opening of a store on disk: a thread of the addon recovers the sessions, and calls back when it is done. */
import { setTimeout } from 'node:timers/promises';
import type { OpenNative } from '../backend/native-backend.js';
import { nativeClock } from '../clock.js';
import { SessionError } from '../errors.js';
import { warnOfListener } from '../listeners.js';
import { NativeOpening, ResultIndex, toSessionError } from '../native.js';
import type { DurableSettings } from './options.js';

/** The interval between reports of progress, in milliseconds. */
const PROGRESS_MS = 100;

/** The interval between attempts while another process has the directory, in milliseconds. */
const RETRY_MS = 50;

/**
 * Opens a store; keeps the process alive meanwhile. While another process has the directory, tries again until `openTimeout` is over.
 * `onSignal` is called when events or acknowledgements are waiting.
 */
export async function openJournal(settings: DurableSettings, onSignal: () => void): Promise<OpenNative> {
  const { openTimeout } = settings;
  const start = performance.now();
  for (;;) {
    try {
      return await openOnce(settings, onSignal);
    } catch (error) {
      if (!isLocked(error)) throw error;
      const left = openTimeout - (performance.now() - start);
      if (left <= 0) throw lockedError(error, openTimeout);
      await setTimeout(Math.min(RETRY_MS, left));
    }
  }
}

function isLocked(error: unknown): error is SessionError {
  return error instanceof SessionError && error.code === 'ERR_SESSION_LOCKED';
}

/** The error of a directory that stayed locked, which says how long opening waited. */
function lockedError({ message }: SessionError, openTimeout: number): SessionError {
  const waited =
    openTimeout > 0 ? `waited ${openTimeout} ms (option openTimeout)` : 'the option openTimeout can wait for its end';
  return new SessionError('ERR_SESSION_LOCKED', `${message}; ${waited}`);
}

function openOnce(settings: DurableSettings, onSignal: () => void): Promise<OpenNative> {
  return new Promise((resolve, reject) => {
    const onDone = (): void => {
      clearInterval(timer);
      try {
        reportProgress(settings, opening);
        const results = new Float64Array(ResultIndex.count);
        resolve({ native: opening.finish(results, onSignal), results });
      } catch (error) {
        reject(error);
      }
    };
    const clock = settings.clock && nativeClock(settings.clock);
    let opening: NativeOpening;
    try {
      opening = new NativeOpening(settings.limits, settings.journal, onDone, clock);
    } catch (error) {
      throw toSessionError(error);
    }
    const timer = settings.onProgress && setInterval(() => reportProgress(settings, opening), PROGRESS_MS);
  });
}

function reportProgress({ onProgress }: DurableSettings, opening: NativeOpening): void {
  if (!onProgress) return;
  const [bytesRead = 0, bytesTotal = 0, sessions = 0] = opening.progress();
  try {
    onProgress({ bytesRead, bytesTotal, sessions });
  } catch (error) {
    warnOfListener('progress', error);
  }
}
