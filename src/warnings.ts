/** Process warnings of this package that are emitted once in a process. */

/** The codes emitted so far, shared by all copies of this package in the process. */
const kWarned = Symbol.for('agai-session.warned');
const warned = ((globalThis as { [kWarned]?: Set<string> })[kWarned] ??= new Set());

/** Emits a `SessionWarning`, unless one of this code was emitted before. */
export function warnOnce(code: string, message: string): void {
  if (warned.has(code)) return;
  warned.add(code);
  process.emitWarning(message, { type: 'SessionWarning', code });
}
