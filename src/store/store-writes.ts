/** The writes of the typed stores. Each answers as the backend does: a value in memory, a promise where a disk is waited for. */
import { SessionError } from '../errors.js';
import { andThen, isPromise, type MaybePromise } from '../maybe-promise.js';
import { checkNames, optionalDuration, wholeNumber, type Duration } from '../options.js';
import type { StoredSession } from '../backend/session-backend.js';
import { checkId, checkUid } from '../backend/ids.js';
import { parseData, stringifyData } from '../backend/json.js';
import type { NativeBackend } from '../backend/native-backend.js';
import { recordOf, SessionRecord } from './session-record.js';

/** What `create` can be told of one session. */
export interface CreateOptions {
  /** Whose it is; without one it is a guest's. 1 to 255 characters, not `'Guest'`. */
  uid?: string;
  /** Instead of the store's. */
  idleTimeout?: Duration;
  absoluteTimeout?: Duration;
}

/** What became of a commit. `conflict` carries what is stored now; `gone` is final: nothing brings the session back. */
export type CommitResult<Data> =
  | { readonly status: 'ok'; readonly version: number }
  | { readonly status: 'conflict'; readonly current: SessionRecord<Data> }
  | { readonly status: 'gone' };

/** Alters data in place, or answers other data. */
export type DataChange<Data> = (data: Data, session: SessionRecord<Data>) => Data | void;

/** Tries of `update` before it gives up; only a function that changes its own session gets near. */
const MAX_TRIES = 10;

export class SessionWrites<Data extends object> {
  readonly #backend: NativeBackend;

  constructor(backend: NativeBackend) {
    this.#backend = backend;
  }

  create(data: Data, options: CreateOptions): MaybePromise<SessionRecord<Data>> {
    checkNames('create', options, ['uid', 'idleTimeout', 'absoluteTimeout']);
    const text = stringifyData(data);
    const uid = options.uid === undefined ? undefined : checkUid(options.uid);
    const facts = this.#backend.create({
      data: text,
      uid,
      idleTimeout: optionalDuration('idleTimeout', options.idleTimeout),
      absoluteTimeout: optionalDuration('absoluteTimeout', options.absoluteTimeout),
    });
    return andThen(facts, (facts) => new SessionRecord(facts, uid, parseData<Data>(text)));
  }

  commit(id: string, version: number | undefined, data: Data): MaybePromise<CommitResult<Data>> {
    if (version !== undefined) wholeNumber('version', version, 1, Number.MAX_SAFE_INTEGER);
    return andThen(this.#backend.commit(checkId(id), version, { data: stringifyData(data) }), (outcome) => {
      if (outcome.status === 'ok') return { status: 'ok', version: outcome.facts.version };
      return outcome.status === 'conflict' ? { status: 'conflict', current: recordOf<Data>(outcome.current) } : outcome;
    });
  }

  update(id: string, change: DataChange<Data>): MaybePromise<SessionRecord<Data> | undefined> {
    if (typeof change !== 'function') throw new TypeError('update needs a function that changes the data');
    return this.#update(this.#backend.load(checkId(id), false), change, MAX_TRIES);
  }

  #update(
    stored: StoredSession | undefined,
    change: DataChange<Data>,
    tries: number,
  ): MaybePromise<SessionRecord<Data> | undefined> {
    if (!stored) return undefined;
    if (tries === 0) {
      throw new SessionError(
        'ERR_SESSION_CONFLICT',
        `the session was written by somebody else at each of ${MAX_TRIES} tries`,
      );
    }
    const session = recordOf<Data>(stored);
    const changed = change(session.data, session) ?? session.data;
    if (isPromise(changed))
      throw new TypeError('update needs a function that answers at once, not a promise: nothing was written');
    const text = stringifyData(changed);
    return andThen(this.#backend.commit(stored.id, stored.version, { data: text }), (outcome) => {
      if (outcome.status === 'ok') return new SessionRecord(outcome.facts, stored.uid, parseData<Data>(text));
      return outcome.status === 'conflict' ? this.#update(outcome.current, change, tries - 1) : undefined;
    });
  }

  regenerate(id: string, options: { uid?: string }): MaybePromise<SessionRecord<Data> | undefined> {
    checkNames('regenerate', options, ['uid']);
    const uid = options.uid === undefined ? undefined : checkUid(options.uid);
    return andThen(this.#backend.regenerate(checkId(id), undefined, {}, uid), (outcome) => {
      const stored = outcome.status === 'ok' ? this.#backend.load(outcome.facts.id, false) : undefined;
      return stored && recordOf<Data>(stored);
    });
  }

  destroy(id: string): MaybePromise<boolean> {
    return this.#backend.destroy(checkId(id), 'destroy');
  }

  destroyByHandle(handle: string): MaybePromise<boolean> {
    return this.#backend.destroyByHandle(String(handle));
  }

  clear(): MaybePromise<number> {
    return this.#backend.clear();
  }
}
