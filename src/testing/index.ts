/** The entry `agai-session/testing`: helpers for tests of applications that use sessions. */
export { ManualClock } from '../clock.js';
