/** The entry `agai-session/testing`: helpers for tests of applications that use sessions. */
// oxlint-disable-next-line no-restricted-imports, unicorn/require-module-specifiers -- so that a program with this entry alone can add to `SessionData`
export type {} from '../index.js';
export { ManualClock } from '../clock.js';
