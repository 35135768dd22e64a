/** What the demo allows: small and short-lived, so that expiry and eviction can be watched. */

/** The most sessions that the store keeps. */
export const CAPACITY = 2_000;
/** Visitors who come at once, and how long they live without activity: from, to, in milliseconds. */
export const FLOOD = { guests: 500, shortest: 5_000, longest: 20_000 };
export const MOST_NOTES = 12;
/** How long a save may take on request, in milliseconds. */
export const SLOWEST = 3_000;
/** What the slider for the idle timeout chooses from, in seconds. */
export const IDLE_STEPS = [5, 10, 15, 30, 60, 120, 300, 600];
export const COLOURS = ['indigo', 'teal', 'rose', 'amber'];
