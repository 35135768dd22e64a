/** The ledger of a process's acknowledged writes: the sessions that must exist, and those that must be gone. */
import type { DurableSessionStore } from 'agai-session';
import type { ExecutionContext } from 'ava';

/** A message of `__test__/fixtures/lanes.mjs` about one session. */
export interface Message {
  readonly name: string;
  /** The current id of the session. */
  readonly id?: string;
  /** The lowest number that its data may have. */
  readonly n?: number;
  /** An id that must not work again. */
  readonly dead?: string;
  /** The session is about to lose this id. */
  readonly leaving?: true;
  readonly ended?: true;
}

export interface Data {
  readonly name: string;
  readonly n: number;
}

interface Known {
  id: string | undefined;
  n: number;
  leaving: boolean;
}

export class Ledger {
  readonly #alive = new Map<string, Known>();
  readonly #dead = new Set<string>();

  /** Records a message; returns true if it is an acknowledgement. */
  take({ name, id, n, dead, leaving, ended }: Message): boolean {
    const session = this.#alive.get(name) ?? { id: undefined, n: -1, leaving: false };
    this.#alive.set(name, session);
    session.leaving = leaving === true;
    if (dead !== undefined) this.#dead.add(dead);
    if (id !== undefined) session.id = id;
    if (n !== undefined) session.n = n;
    if (ended) this.#alive.delete(name);
    return leaving !== true;
  }

  /** Records the lines that a process wrote, of which the last may be truncated. Returns the number of acknowledgements. */
  takeLines(text: string): number {
    const whole = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
    return whole.filter((line) => line.startsWith('{') && this.take(JSON.parse(line) as Message)).length;
  }

  /** Looks everything up. Returns the number of acknowledgements, and what the store has lost or brought back. */
  check(store: DurableSessionStore<Data>): { readonly checked: number; readonly lost: readonly string[] } {
    const lost: string[] = [];
    let checked = this.#dead.size;
    for (const [name, { id, n, leaving }] of this.#alive) {
      if (id === undefined) continue;
      const found = store.get(id)?.data;
      if (found === undefined && leaving) {
        // It may have ended, or have got an id that was never reported.
        this.#alive.delete(name);
        continue;
      }
      checked += 1;
      if (found === undefined) lost.push(`${name} is gone`);
      else if (found.n < n || found.name !== name) lost.push(`${name} is ${found.name} at ${found.n}, not at ${n}`);
    }
    for (const id of this.#dead) if (store.has(id)) lost.push(`${store.get(id)?.data.name} came back`);
    return { checked, lost };
  }
}

/** One line of the table that a campaign prints. */
export interface Row {
  readonly test: string;
  readonly seed?: number;
  readonly faults: number;
  readonly checked: number;
  readonly lost: readonly string[];
  readonly more?: string;
}

/** Prints the line, and fails if anything acknowledged was lost or nothing was checked. */
export function report(t: ExecutionContext, { test, seed, faults, checked, lost, more }: Row): void {
  const parts = [
    test,
    ...(seed === undefined ? [] : [`seed ${seed}`]),
    `${faults} faults`,
    `${checked} acknowledgements checked`,
    `${lost.length} lost`,
    ...(more === undefined ? [] : [more]),
  ];
  t.log(parts.join(' | '));
  t.deepEqual(lost, [], seed === undefined ? test : `${test}: AGAI_SESSION_SEED=${seed}`);
  t.true(checked > 0, 'there was something to check');
}

/** Whether the campaigns run at full length. */
export const isFullRun = process.env.AGAI_SESSION_FULL !== undefined;

/** The seed of random choices; `AGAI_SESSION_SEED` sets another. */
export const SEED = Number(process.env.AGAI_SESSION_SEED ?? 20_261_122);
