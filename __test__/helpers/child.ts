/** Waiting for the end of a process. */
import type { ChildProcess } from 'node:child_process';

/** How a process ended. */
export interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * Resolves once a process has ended and everything it sent and printed has been received. To be called right after its start.
 *
 * The event `exit` is too early: when one process ends, Node collects every other that has ended by then, and emits their `exit` before
 * it reads what they sent last.
 */
export function endOf(child: ChildProcess): Promise<End> {
  return new Promise((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
}
