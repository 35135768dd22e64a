/** The opening of a store on disk: a thread of the addon recovers the sessions, and calls back when it is done. */
import type { OpenNative } from '../backend/native-backend.js';
import { nativeClock } from '../clock.js';
import { warnOfListener } from '../listeners.js';
import { NativeOpening, ResultIndex, toSessionError } from '../native.js';
import type { DurableSettings } from './options.js';

/** The interval between reports of progress, in milliseconds. */
const PROGRESS_MS = 100;

/** Opens a store; keeps the process alive meanwhile. `onSignal` is called when events or acknowledgements are waiting. */
export function openJournal(settings: DurableSettings, onSignal: () => void): Promise<OpenNative> {
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
