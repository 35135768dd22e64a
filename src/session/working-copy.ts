/** A session as it is stored, together with the changes that are not written yet. */
import { EMPTY } from '../backend/json.js';
import type { SessionChange, SessionFacts, SessionLogin, StoredSession } from '../backend/session-backend.js';
import type { SessionContext } from './context.js';
import { KeptData } from './kept-data.js';
import { KeptForm } from './kept-form.js';

/** A new id that is to be written; with `login`, a login. */
export interface Renewal {
  readonly login?: SessionLogin;
}

/** The state of a `Session`, which `session.ts` shows to applications and `commit.ts` writes. */
export class WorkingCopy<Data extends object> {
  readonly context: SessionContext;
  /** As last read or written; `undefined` until the session is stored. */
  facts: SessionFacts | undefined;
  renewal: Renewal | undefined;
  /** The session's own idle timeout, if this request set one. */
  idleTimeout: number | undefined;
  /** True once the session was destroyed, or found to have ended. */
  hasEnded = false;
  /** Read lazily for the user, the data and the form: most requests need none of them. */
  #stored: StoredSession | undefined;
  /** The user of a login that was written. */
  #uid: string | undefined;
  #data: KeptData<Data> | undefined;
  #form: KeptForm | undefined;
  /** True if another user's data was dropped: what is stored meanwhile must not be merged into the new data. */
  #replacesAll = false;

  constructor(context: SessionContext, stored: StoredSession | undefined) {
    this.context = context;
    this.facts = stored;
    this.#stored = stored;
  }

  /** The user in the store; `undefined` for a guest. */
  get storedUid(): string | undefined {
    return this.#uid ?? this.#stored?.uid;
  }

  get data(): KeptData<Data> {
    return (this.#data ??= new KeptData<Data>(this.#stored?.data ?? EMPTY, this.context.schema));
  }

  get form(): KeptForm {
    return (this.#form ??= new KeptForm(this.#stored?.form ?? '', this.context.form ?? {}));
  }

  /** The data's text as it would be stored; `undefined` if nobody has read the data, or it cannot be stored. */
  get dataText(): string | undefined {
    try {
      return this.#data?.text;
    } catch {
      return undefined;
    }
  }

  /** True if nothing was read that could have been changed, as in most requests. */
  get isUntouched(): boolean {
    return this.#data === undefined && this.#form === undefined && this.renewal === undefined;
  }

  /** The parts that differ from what was last read or written. @throws SessionError `ERR_SESSION_DATA`. */
  get change(): SessionChange {
    return { data: this.#data?.change, form: this.#form?.change };
  }

  /** Drops data and form, which are another user's. */
  dropContents(): void {
    this.data.clear();
    this.form.clean();
    this.#replacesAll = true;
  }

  /** Becomes the copy of a new session that is empty and not stored. */
  reset(): void {
    this.facts = undefined;
    this.#stored = undefined;
    this.#uid = undefined;
    this.#data = undefined;
    this.#form = undefined;
    this.renewal = undefined;
    this.#replacesAll = false;
    this.idleTimeout = undefined;
  }

  /** After `reset`: becomes the copy of a stored session. */
  load(stored: StoredSession): void {
    this.facts = stored;
    this.#stored = stored;
  }

  /** Becomes the copy of a new session that has only the changes made here, because the stored one has ended. */
  detach(): void {
    this.facts = undefined;
    this.#stored = undefined;
    this.#uid = undefined;
    this.#data?.merge(EMPTY);
    this.#form?.stored('');
  }

  /** Notes that a change and a renewal were written. */
  written({ data, form }: SessionChange, facts: SessionFacts, renewal: Renewal | undefined): void {
    this.facts = facts;
    this.#uid = renewal?.login?.uid ?? this.#uid;
    if (data !== undefined) this.#data?.stored(data);
    if (form !== undefined) this.#form?.stored(form);
    // A login or a renewal that was requested during the write is still to be written.
    if (this.renewal === renewal) {
      this.renewal = undefined;
      this.#replacesAll = false;
    }
  }

  /** Merges what another request has stored meanwhile. */
  rebase(current: StoredSession): void {
    this.facts = current;
    this.#stored = current;
    if (this.#replacesAll) this.#data?.stored(current.data);
    else this.#data?.merge(current.data);
    this.#form?.stored(current.form);
  }
}
