/** What the demo allows: small and short-lived, so that expiry and eviction can be watched. */

/** The most sessions that the store keeps. */
export const CAPACITY = 2_000;
/** The options of the session middleware. */
export const LIMITS = { maxSessions: CAPACITY, idleTimeout: '10m', guestIdleTimeout: '2m', absoluteTimeout: '1h' };
/** Visitors who come at once, and how long they live without activity: from, to, in milliseconds. */
export const FLOOD = { guests: 500, shortest: 6_000, longest: 45_000 };
/** How long the slow request of a story takes, in milliseconds. */
export const SLOW = 2_000;
/** What the slider for the idle timeout chooses from, in seconds. */
export const IDLE_STEPS = [5, 10, 15, 30, 60, 120, 300, 600];
export const COLOURS = ['indigo', 'teal', 'rose', 'amber'];
/** What the basket of a session can hold: a key of its data each. */
export const FRUIT = ['apples', 'pears'];
