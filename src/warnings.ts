/** Process warnings that are emitted once in a process, or at most so many times a minute. */

/** The codes emitted so far, shared by all copies of this package in the process. */
const kWarned = Symbol.for('agai-session.warned');
const warned = ((globalThis as { [kWarned]?: Set<string> })[kWarned] ??= new Set());

/** Emits a `SessionWarning`, unless one of this code was emitted before. */
export function warnOnce(code: string, message: string): void {
  if (warned.has(code)) return;
  warned.add(code);
  process.emitWarning(message, { type: 'SessionWarning', code });
}

/** How many warnings of one code are emitted in an interval. */
const MAX_WARNINGS = 10;
/** In milliseconds. */
const INTERVAL = 60_000;
/** How many codes are counted: applications may throw errors of any code. */
const MAX_CODES = 100;

interface Count {
  readonly since: number;
  emitted: number;
  leftOut: number;
}

const counts = new Map<string, Count>();

/**
 * Emits an error as a process warning, at most ten times a minute for each code, so that nobody fills the log with requests that are
 * refused. The first one after that says how many were left out.
 */
export function warnOfFailure(error: unknown): void {
  const warning = error instanceof Error ? error : new Error(String(error));
  const code = String((warning as { code?: unknown }).code ?? warning.name);
  const now = performance.now();
  let count = counts.get(code);
  if (count === undefined || now - count.since >= INTERVAL) {
    if (count && count.leftOut > 0) {
      process.emitWarning(`${count.leftOut} more failures with the code ${code} in the minute before were not shown`, {
        type: 'SessionWarning',
        code: 'SESSION_WARNINGS_LEFT_OUT',
      });
    }
    if (counts.size >= MAX_CODES) counts.clear();
    count = { since: now, emitted: 0, leftOut: 0 };
    counts.set(code, count);
  }
  if (count.emitted === MAX_WARNINGS) {
    count.leftOut += 1;
    return;
  }
  count.emitted += 1;
  process.emitWarning(warning);
}
