/** Waits for what happens on another thread or in a later turn of the event loop. */
import { setTimeout as delay } from 'node:timers/promises';

/** Resolves as soon as `condition` holds; rejects after two minutes in which it did not. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 120_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited two minutes in vain until ${what}`);
    await delay(1);
  }
}

/**
 * Waits for a promise that an event of a store resolves. A store does not keep the process alive, so something else must: a test that only
 * waited for the event ended without it on a busy machine, whenever no other test was left that did.
 */
export async function awake<T>(promise: Promise<T>): Promise<T> {
  const alive = setInterval(() => undefined, 1_000);
  try {
    return await promise;
  } finally {
    clearInterval(alive);
  }
}

/** Waits a few turns of the event loop: long enough for an event to arrive that must not arrive. */
export async function aWhile(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await delay(1);
}
