/** The account of what a process was told that is kept, and of what it was told that is gone. */
import type { DurableSessionStore } from 'agai-session';
import type { ExecutionContext } from 'ava';

/** What `__test__/fixtures/lanes.mjs` says of one session. */
export interface Message {
  readonly name: string;
  /** The id that it has now. */
  readonly id?: string;
  /** What its data say at least. */
  readonly n?: number;
  /** An id that must not come back. */
  readonly dead?: string;
  /** It is about to lose its id. */
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

  /** Notes a message; true if it is an acknowledgement. */
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

  /** Notes the lines that a process wrote; the last one may be cut short. Answers how many are acknowledgements. */
  takeLines(text: string): number {
    const whole = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
    return whole.filter((line) => line.startsWith('{') && this.take(JSON.parse(line) as Message)).length;
  }

  /** Looks everything up: how many acknowledgements that were, and which of them are not kept. */
  check(store: DurableSessionStore<Data>): { readonly checked: number; readonly lost: readonly string[] } {
    const lost: string[] = [];
    let checked = this.#dead.size;
    for (const [name, { id, n, leaving }] of this.#alive) {
      if (id === undefined) continue;
      const found = store.get(id)?.data;
      if (found === undefined && leaving) {
        // It may have ended, or moved to an id that nobody was told of.
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

/** Prints the line, and fails if anything acknowledged was lost or nothing was looked at. */
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

/** Whether the campaigns run in their full length. */
export const isFullRun = process.env.AGAI_SESSION_FULL !== undefined;

/** Where random choices begin; another with `AGAI_SESSION_SEED`. */
export const SEED = Number(process.env.AGAI_SESSION_SEED ?? 20_261_122);
