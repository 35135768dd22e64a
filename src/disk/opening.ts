/** Opening a store on disk: a thread of the addon recovers, and this one is told. */
import { NativeOpening, Place, toSessionError } from '../native.js';
import { nativeClock } from '../clock.js';
import type { DurableSettings } from './options.js';
import { warnOfListener } from '../store/events.js';
import type { OpenNative } from '../backend/native-backend.js';

/** How often a progress is told, in milliseconds. */
const PROGRESS_MS = 100;

/** Keeps the process alive until it is done. `onSignal` is called when the addon has something to tell. */
export function openJournal(settings: DurableSettings, onSignal: () => void): Promise<OpenNative> {
  return new Promise((resolve, reject) => {
    const onDone = (): void => {
      clearInterval(timer);
      try {
        tellProgress(settings, opening);
        const results = new Float64Array(Place.count);
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
    const timer = settings.onProgress && setInterval(() => tellProgress(settings, opening), PROGRESS_MS);
  });
}

function tellProgress({ onProgress }: DurableSettings, opening: NativeOpening): void {
  if (!onProgress) return;
  const [bytesRead = 0, bytesTotal = 0, sessions = 0] = opening.progress();
  try {
    onProgress({ bytesRead, bytesTotal, sessions });
  } catch (error) {
    warnOfListener('progress', error);
  }
}
