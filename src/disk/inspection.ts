/** Looking into a store's directory without changing anything in it: a thread of the addon reads, and this one is told. */
import { NativeInspection, toSessionError, type NativeInspected } from '../native.js';

export type {
  NativeContents as FileContents,
  NativeDamagedPlace as DamagedPlace,
  NativeFileFacts as FileFacts,
  NativeInspected as Inspection,
  NativeListed as ListedSession,
} from '../native.js';

/** How often a progress is told, in milliseconds. */
const PROGRESS_MS = 100;

export interface InspectionOptions {
  /** How many sessions are listed. */
  readonly list: number;
  /** Whether the list has their data. */
  readonly data: boolean;
  readonly onProgress?: (bytesRead: number, bytesTotal: number) => void;
}

/** Rejects with a `SessionError` when there is no directory to look into. */
export function inspectDirectory(path: string, options: InspectionOptions): Promise<NativeInspected> {
  const { list, data, onProgress } = options;
  return new Promise((resolve, reject) => {
    const tell = (): void => {
      const [bytesRead = 0, bytesTotal = 0] = inspection.progress();
      onProgress?.(bytesRead, bytesTotal);
    };
    const onDone = (): void => {
      clearInterval(timer);
      try {
        tell();
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
    const timer = onProgress && setInterval(tell, PROGRESS_MS);
  });
}
