/** The exit codes of the command; docs/cli.md has the table. */
import type { Inspection } from '../disk/inspection.js';
import type { SessionErrorCode } from '../errors.js';

/** Why a place could not be inspected. */
export interface Failure {
  readonly code: SessionErrorCode;
  readonly why: string;
}

export const Exit = { fine: 0, damaged: 1, usage: 2, unreadable: 3 } as const;

/** The exit code of a verdict. A torn tail is not damage: the next opening cuts it off. */
export function exitOf(verdict: Inspection['verdict']): number {
  if (verdict === 'sound' || verdict === 'torn') return Exit.fine;
  return verdict === 'damaged' ? Exit.damaged : Exit.unreadable;
}
