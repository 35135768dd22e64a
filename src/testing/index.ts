/** For tests of applications that use sessions. */
export { ManualClock } from '../clock.js';
