/** A session as the typed stores return it. */
import { inspect } from 'node:util';
import { GUEST } from '../backend/ids.js';
import { parseData } from '../backend/json.js';
import type { SessionFacts, StoredSession } from '../backend/session-backend.js';
import type { JsonData } from '../data.js';

/** A copy of one session at one moment, which later changes do not affect. Instants are milliseconds since 1970. */
export class SessionRecord<Data extends object> {
  /** 1 when created, incremented by each write. */
  readonly version: number;
  /** `'Guest'` for a guest. */
  readonly uid: string;
  /** What JSON makes of `Data`. */
  readonly data: JsonData<Data>;
  readonly createdAt: number;
  readonly lastSeenAt: number;
  /** Milliseconds; `Infinity` for no limit. */
  readonly idleTimeout: number;
  /** `Infinity` for none. */
  readonly absoluteDeadline: number;
  /** When the user logged in; `undefined` for a guest. */
  readonly authenticatedAt: number | undefined;
  readonly #facts: SessionFacts;

  constructor(facts: SessionFacts, uid: string | undefined, data: JsonData<Data>) {
    this.#facts = facts;
    this.version = facts.version;
    this.uid = uid ?? GUEST;
    this.data = data;
    this.createdAt = facts.createdAt;
    this.lastSeenAt = facts.lastSeenAt;
    this.idleTimeout = facts.idleTimeout;
    this.absoluteDeadline = facts.absoluteDeadline;
    this.authenticatedAt = uid === undefined ? undefined : facts.authenticatedAt;
  }

  /** The value of the cookie. A getter of the prototype, so that JSON, logs and copies leave it out. */
  get id(): string {
    return this.#facts.id;
  }

  /** The public name, safe to show. */
  get handle(): string {
    return this.#facts.handle;
  }

  /** Whether the session is a user's. */
  get isAuthenticated(): boolean {
    return this.authenticatedAt !== undefined;
  }

  /** When the session expires unless there is activity: `lastSeenAt + idleTimeout`. */
  get idleDeadline(): number {
    return this.lastSeenAt + this.idleTimeout;
  }

  /** The record without `id`, `isAuthenticated` and `idleDeadline`; `console.log` shows the same. */
  toJSON(): object {
    const shown: object = { ...this };
    return { handle: this.handle, ...shown };
  }

  [inspect.custom](): object {
    return this.toJSON();
  }
}

/** The record of a stored session. */
export function recordOf<Data extends object>(stored: StoredSession): SessionRecord<Data> {
  return new SessionRecord(stored, stored.uid, parseData<JsonData<Data>>(stored.data));
}
