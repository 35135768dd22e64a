/** A session as it is stored, together with the changes that are not written yet. */
import { Members, type KeyChanges } from '../backend/members.js';
import type { SessionChange, SessionFacts, SessionLogin, StoredSession } from '../backend/session-backend.js';
import type { SessionContext } from './context.js';
import { KeptData } from './kept-data.js';
import { KeptForm } from './kept-form.js';

/** A new id that is to be written; with `login`, a login. */
export interface Renewal {
  readonly login: SessionLogin | undefined;
  /** That of a login which is to be remembered. */
  readonly idleTimeout: number | undefined;
}

/** The state of a `Session`, which `session.ts` shows to applications and `commit.ts` writes. */
export class WorkingCopy<Data extends object> {
  readonly context: SessionContext;
  /** As last read or written; `undefined` until the session is stored. */
  facts: SessionFacts | undefined;
  renewal: Renewal | undefined;
  /** The user whose credentials have changed: the other sessions of that user are still to be ended, whatever becomes of this one. */
  endsOthersOf: string | undefined;
  /** The session's own idle timeout, if this request set one. */
  idleTimeout: number | undefined;
  /** True if the session is to be stored although nothing is in it. */
  mustBeStored = false;
  /** True once the session was destroyed, or found to have ended. */
  hasEnded = false;
  /** Read lazily for the user, the data and the form: most requests need none of them. */
  #stored: StoredSession | undefined;
  /** A login that was written. */
  #login: SessionLogin | undefined;
  #data: KeptData<Data> | undefined;
  #form: KeptForm | undefined;
  /** What the last `change` was made of. */
  #source: KeptData<Data> | undefined;
  #tried: KeyChanges | 'unstorable' | undefined;
  #repairs = false;

  constructor(context: SessionContext, stored: StoredSession | undefined) {
    this.context = context;
    this.facts = stored;
    this.#stored = stored;
  }

  /** The user in the store; `undefined` for a guest. */
  get storedUid(): string | undefined {
    return this.#login?.uid ?? this.#stored?.uid;
  }

  /** The methods of the login in the store. */
  get storedMethods(): readonly string[] {
    return (this.#login ? this.#login.methods : this.#stored?.methods) ?? [];
  }

  get data(): KeptData<Data> {
    return (this.#data ??= new KeptData<Data>(membersOf(this.#stored), this.context.schema));
  }

  get form(): KeptForm {
    return (this.#form ??= new KeptForm(this.#stored?.form ?? '', this.context.form ?? {}));
  }

  /** The changes of the data as a text to compare; `undefined` if there are none, `''` if they cannot be stored. */
  get changedText(): string | undefined {
    try {
      return textOfChanges(this.#data?.changes);
    } catch {
      return '';
    }
  }

  /** The same for the changes that `change` returned last, or could not. */
  get triedText(): string | undefined {
    return this.#tried === 'unstorable' ? '' : textOfChanges(this.#tried);
  }

  /** True if the last `change` replaces data that the schema refused: it must still be what is stored. */
  get repairs(): boolean {
    return this.#repairs;
  }

  /** True if nothing was read that could have been changed, as in most requests. */
  get isUntouched(): boolean {
    return this.#data === undefined && this.#form === undefined && this.renewal === undefined && !this.mustBeStored;
  }

  /** The parts that differ from what was last read or written. @throws SessionError `ERR_SESSION_DATA`. */
  get change(): SessionChange {
    // One form of object for all changes, because every write makes one.
    const form = this.#form?.change;
    const isWhole = this.context.concurrency === 'last-write-wins';
    this.#source = this.#data;
    this.#tried = 'unstorable';
    const keys = this.#data?.changes;
    const data = this.#data?.whole(keys, isWhole);
    this.#tried = keys;
    this.#repairs = data !== undefined && !isWhole && this.#data!.isInvalid;
    return { data, keys: data === undefined ? keys : undefined, form, idleTimeout: undefined };
  }

  /** Drops data and form, which are another user's. */
  dropContents(): void {
    this.#data = KeptData.cleared<Data>(this.context.schema);
    this.idleTimeout = undefined;
    this.form.clean();
  }

  /** Becomes the copy of a new session that is empty and not stored. */
  reset(): void {
    this.facts = undefined;
    this.#stored = undefined;
    this.#login = undefined;
    this.#data = undefined;
    this.#form = undefined;
    this.renewal = undefined;
    this.idleTimeout = undefined;
    this.mustBeStored = false;
    this.endsOthersOf = undefined;
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
    this.#login = undefined;
    this.#data?.detach(this.#data.changes);
    this.#form?.stored('');
  }

  /** Notes that a change and a renewal were written. */
  written({ data, keys, form }: SessionChange, facts: SessionFacts, renewal: Renewal | undefined): void {
    this.facts = facts;
    this.#login = renewal?.login ?? this.#login;
    // Another user may have logged in meanwhile, whose data is not what was written.
    if (this.#data === this.#source) {
      if (data !== undefined) this.#data?.storedAll(data);
      else if (keys !== undefined) this.#data?.stored(keys);
    }
    if (form !== undefined) this.#form?.stored(form);
    // A login or a renewal that was requested during the write is still to be written.
    if (this.renewal === renewal) this.renewal = undefined;
  }

  /** Takes over what another request has stored meanwhile, under the changes made here. */
  rebase(current: StoredSession): void {
    this.facts = current;
    this.#stored = current;
    this.#data?.rebase(membersOf(current));
  }
}

function textOfChanges(changes: KeyChanges | undefined): string | undefined {
  return changes && JSON.stringify(changes);
}

function membersOf(stored: StoredSession | undefined): Members {
  return stored === undefined ? Members.EMPTY : Members.of(stored.data, stored.places);
}
