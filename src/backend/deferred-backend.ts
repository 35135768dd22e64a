/** A backend that is there before its store: calls wait for the opening, and go straight through afterwards. */
import { andThen, type MaybePromise } from '../maybe-promise.js';
import type {
  CommitOutcome,
  CookieLookup,
  SessionBackend,
  SessionChange,
  SessionDraft,
  SessionFacts,
  StoredSession,
  Timeouts,
} from './session-backend.js';
import type { DurableSettings } from '../disk/options.js';
import { openDurableStore, type DurableSessionStore } from '../store/durable-session-store.js';

/** Opens a store of its own. If that fails, every call fails with the same error. */
export class OpeningBackend implements SessionBackend {
  readonly timeouts: Timeouts;
  readonly #now: () => number;
  readonly #opening: Promise<DurableSessionStore>;
  #store: DurableSessionStore | undefined;
  #backend: SessionBackend | undefined;

  constructor(settings: DurableSettings) {
    const { limits, clock } = settings;
    this.timeouts = limits;
    this.#now = clock ? () => clock.now() : Date.now;
    this.#opening = openDurableStore<Record<string, unknown>>(settings).then((store) => {
      this.#store = store;
      this.#backend = store.backend;
      return store;
    });
  }

  /** The store once it is open. */
  get store(): DurableSessionStore | undefined {
    return this.#store;
  }

  /** A promise of its own for whoever asks: one that fails and is nobody's is an unhandled rejection, as it should be. */
  ready(): Promise<DurableSessionStore> {
    return this.#opening.then((store) => store);
  }

  /** Nothing, at once when the store is open. */
  whenOpen(): MaybePromise<undefined> {
    return this.#backend === undefined ? this.#opening.then(() => undefined) : undefined;
  }

  now(): number {
    return this.#backend === undefined ? this.#now() : this.#backend.now();
  }

  load(id: string, touch: boolean): MaybePromise<StoredSession | undefined> {
    return andThen(this.#opened, (backend) => backend.load(id, touch));
  }

  create(draft: SessionDraft): MaybePromise<SessionFacts> {
    return andThen(this.#opened, (backend) => backend.create(draft));
  }

  commit(id: string, version: number | undefined, change: SessionChange): MaybePromise<CommitOutcome> {
    return andThen(this.#opened, (backend) => backend.commit(id, version, change));
  }

  regenerate(
    id: string,
    version: number | undefined,
    change: SessionChange,
    uid?: string,
  ): MaybePromise<CommitOutcome> {
    return andThen(this.#opened, (backend) => backend.regenerate(id, version, change, uid));
  }

  touch(id: string, idleTimeout?: number): MaybePromise<boolean> {
    return andThen(this.#opened, (backend) => backend.touch(id, idleTimeout));
  }

  destroy(id: string, reason: 'destroy' | 'logout'): MaybePromise<boolean> {
    return andThen(this.#opened, (backend) => backend.destroy(id, reason));
  }

  cookieReader(name: string): CookieLookup {
    let direct: CookieLookup | undefined;
    return (header, touch) =>
      direct
        ? direct(header, touch)
        : andThen(this.#opened, (backend) => (direct ??= backend.cookieReader!(name))(header, touch));
  }

  get #opened(): MaybePromise<SessionBackend> {
    return this.#backend ?? this.#opening.then((store) => store.backend);
  }
}
