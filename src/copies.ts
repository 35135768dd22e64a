/** A warning where this package is loaded from two folders in one process, as when two packages depend on different versions of it. */
import { dirname } from 'node:path';
import { warnOnce } from './warnings.js';

/** The folders of all copies in the process. */
const kFolders = Symbol.for('agai-session.folders');

/** Notes this copy. Loading one copy again, as test runners do, is not a second one. */
export function noteCopy(): void {
  const folders = ((globalThis as { [kFolders]?: Set<string> })[kFolders] ??= new Set());
  folders.add(dirname(__dirname));
  if (folders.size < 2) return;
  warnOnce(
    'SESSION_TWO_COPIES',
    `agai-session is loaded from ${[...folders].join(' and from ')}: a store of one copy is not accepted by the other. ` +
      '`npm ls agai-session` shows who depends on which; `npm dedupe`, or one version in all packages, leaves one',
  );
}
