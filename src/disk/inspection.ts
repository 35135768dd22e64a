/** The inspection of a store's directory, which changes nothing in it: a thread of the addon reads, and calls back when it is done. */
import { NativeInspection, toSessionError, type NativeInspected } from '../native.js';

export type {
  NativeContents as FileContents,
  NativeDamagedPlace as DamagedPlace,
  NativeFileFacts as FileFacts,
  NativeInspected as Inspection,
  NativeListed as ListedSession,
} from '../native.js';

/** The interval between reports of progress, in milliseconds. */
const PROGRESS_MS = 100;

export interface InspectionOptions {
  /** How many sessions are listed. */
  readonly list: number;
  /** Whether the list contains their data. */
  readonly data: boolean;
  readonly onProgress?: (bytesRead: number, bytesTotal: number) => void;
}

/** Inspects a directory. Rejects with a `SessionError` if it cannot be read. */
export function inspectDirectory(path: string, options: InspectionOptions): Promise<NativeInspected> {
  const { list, data, onProgress } = options;
  return new Promise((resolve, reject) => {
    const report = (): void => {
      const [bytesRead = 0, bytesTotal = 0] = inspection.progress();
      onProgress?.(bytesRead, bytesTotal);
    };
    const onDone = (): void => {
      clearInterval(timer);
      try {
        report();
        resolve(inspection.finish());
      } catch (error) {
        reject(error);
      }
    };
    let inspection: NativeInspection;
    try {
      inspection = new NativeInspection(path, list, data, onDone);
    } catch (error) {
      throw toSessionError(error);
    }
    const timer = onProgress && setInterval(report, PROGRESS_MS);
  });
}
