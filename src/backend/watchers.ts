/** Those who wait for the end of sessions, by handle. */
import type { SessionEndReason } from '../errors.js';

/** Is told about one session. `reason` is `undefined` if it is not known what happened, if anything: events were dropped. */
export interface Watcher {
  /** False if nobody would notice. */
  readonly isNeeded: boolean;
  ended(reason: SessionEndReason | undefined): void;
  /** The store was closed. */
  closed(): void;
}

/** One watcher, held weakly, and strongly if nobody else holds it. */
interface Entry {
  readonly reference: WeakRef<Watcher>;
  held: Watcher | undefined;
}

const NONE: ReadonlySet<Entry> = new Set();

/** The watchers of one store. */
export class Watchers {
  readonly #byHandle = new Map<string, Set<Entry>>();
  readonly #onChange: () => void;
  readonly #collected = new FinalizationRegistry<() => void>((remove) => remove());
  #isClosed = false;

  /** `onChange` is called when the first watcher comes and when the last one has gone. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get isEmpty(): boolean {
    return this.#byHandle.size === 0;
  }

  /** Adds a watcher of one session. `isHeld`: holds it until the session ends. Returns a function that removes it. */
  add(handle: string, watcher: Watcher, isHeld: boolean): () => void {
    if (this.#isClosed) {
      watcher.closed();
      return () => undefined;
    }
    const entry: Entry = { reference: new WeakRef(watcher), held: isHeld ? watcher : undefined };
    const remove = (): void => {
      this.#collected.unregister(entry);
      this.#remove(handle, entry);
    };
    const wasEmpty = this.isEmpty;
    const entries = this.#byHandle.get(handle);
    if (entries) {
      // A client that connects again and again leaves watchers behind that nobody listens to.
      for (const other of entries) if (other.held?.isNeeded === false) other.held = undefined;
      entries.add(entry);
    } else this.#byHandle.set(handle, new Set([entry]));
    this.#collected.register(watcher, remove, entry);
    if (wasEmpty) this.#onChange();
    return remove;
  }

  #remove(handle: string, entry: Entry): void {
    const entries = this.#byHandle.get(handle);
    if (!entries?.delete(entry) || entries.size > 0) return;
    this.#byHandle.delete(handle);
    if (this.isEmpty && !this.#isClosed) this.#onChange();
  }

  /** Tells the watchers of a session what happened to it. */
  notify(handle: string, reason: SessionEndReason | undefined): void {
    for (const { reference } of this.#byHandle.get(handle) ?? NONE) reference.deref()?.ended(reason);
  }

  /** Tells all watchers that events were dropped, so that each looks for itself. */
  notifyAll(): void {
    for (const handle of this.#byHandle.keys()) this.notify(handle, undefined);
  }

  /** Tells all watchers that the store was closed. */
  close(): void {
    this.#isClosed = true;
    const all = [...this.#byHandle.values()];
    this.#byHandle.clear();
    for (const entries of all) for (const { reference } of entries) reference.deref()?.closed();
  }
}
