/** Waiting for what happens on another thread, or in a later turn. */
import { setTimeout as delay } from 'node:timers/promises';

/** Resolves as soon as `condition` holds, and fails after 20 seconds in which it did not. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited 20 s in vain until ${what}`);
    await delay(1);
  }
}

/** A few turns of the event loop: time enough for what was told to arrive, when nothing is to. */
export async function aWhile(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await delay(1);
}
