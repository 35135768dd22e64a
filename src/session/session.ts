/** One session as a request, a socket or a job works with it. Knows no framework. */
import { inspect } from 'node:util';
import { SessionError } from '../errors.js';
import { andThen, isPromise, type MaybePromise } from '../maybe-promise.js';
import { checkNames, duration, type Duration } from '../options.js';
import type {
  CommitOutcome,
  SessionBackend,
  SessionChange,
  SessionFacts,
  StoredSession,
} from '../backend/session-backend.js';
import { EMPTY } from '../backend/json.js';
import { checkUid, GUEST } from '../backend/ids.js';
import { refuseCallback } from './callback.js';
import type { FormParameters } from './form.js';
import { KeptData } from './kept-data.js';
import { KeptForm, type BroughtForm } from './kept-form.js';
import { Pending } from './pending.js';

/** The type of every session's `data`: add your own fields by declaration merging. */
// oxlint-disable-next-line typescript/no-empty-interface -- users declare its fields
export interface SessionData {}

/**
 * What happens when two requests changed one session at once. `'merge'` (default): each top-level key keeps its last change,
 * and both requests' keys are kept. `'strict'`: the later one fails with `ERR_SESSION_CONFLICT`. `'last-write-wins'`: the
 * later one's data replaces all.
 */
export type Concurrency = 'merge' | 'strict' | 'last-write-wins';

/** What a session needs of its surroundings; the manager provides it. */
export interface SessionContext {
  readonly backend: SessionBackend;
  readonly concurrency: Concurrency;
  /** Throws if a new id could not reach the client any more. */
  readonly admitNewId?: () => void;
  /** The parameters of the request in hand, read when asked for. */
  readonly form?: BroughtForm;
}

/** What a commit did: `gone` means that the session ended meanwhile and nothing was written. */
export type Saved = 'unchanged' | 'saved' | 'gone';

/** Merges before a commit gives up: more than once only if others write the session without pause. */
const MAX_TRIES = 10;

/** A pending move to a new id, as `uid`'s if there is one. */
interface Renewal {
  readonly uid?: string;
}

/**
 * A user's session. Reading and changing it is synchronous and local; it is written once, by `save()` or by the middleware
 * before the response's headers leave. A new session of which nothing was written is never stored.
 */
export class Session<Data extends object = SessionData> {
  readonly #context: SessionContext;
  #facts: SessionFacts | undefined;
  /** Of whom the user and what nobody has looked at yet are asked: most requests want none of it. */
  #stored: StoredSession | undefined;
  /** The user since a login that is written. */
  #uid: string | undefined;
  /** Made at the first look. */
  #keptData: KeptData<Data> | undefined;
  #keptForm: KeptForm | undefined;
  #renewal: Renewal | undefined;
  #idleTimeout: number | undefined;
  #ended = false;
  /** Another user's data was dropped: what others add to it meanwhile must not be merged in. */
  #replacesAll = false;
  /** What `save()` was refused with, so that the response does not fail for it once more. */
  #refused: { readonly text: string | undefined } | undefined;
  /** A stored session was ended through this object, so the client's cookie is to go. */
  #removed = false;
  #writing: Promise<unknown> | undefined;
  /** Made when a backend is told something besides writes, and answers a promise. */
  #pending: Pending | undefined;

  /** @internal Made by the manager. */
  constructor(context: SessionContext, stored?: StoredSession) {
    this.#context = context;
    this.#facts = stored;
    this.#stored = stored;
  }

  /** The secret that the cookie carries; `undefined` until the session is stored. Never log it: log `handle`. */
  get id(): string | undefined {
    return this.#facts?.id;
  }

  /** The public name, safe in logs; `undefined` until the session is stored. The same for the session's whole life. */
  get handle(): string | undefined {
    return this.#facts?.handle;
  }

  /** Whether it is not stored yet. */
  get isNew(): boolean {
    return this.#facts === undefined;
  }

  /** Who is logged in; `'Guest'` if nobody is. */
  get uid(): string {
    return this.#renewal?.uid ?? this.#storedUid ?? GUEST;
  }

  get isAuthenticated(): boolean {
    return this.uid !== GUEST;
  }

  /** The same, by the name of the original. */
  isLoggedIn(): boolean {
    return this.isAuthenticated;
  }

  /** When the user logged in, `undefined` for a guest. */
  get authenticatedAt(): Date | undefined {
    if (this.#renewal?.uid !== undefined) return new Date(this.#context.backend.now());
    return this.#facts && this.#storedUid !== undefined ? new Date(this.#facts.authenticatedAt) : undefined;
  }

  get createdAt(): Date {
    return new Date(this.#facts?.createdAt ?? this.#context.backend.now());
  }

  /** When the session ends unless there is activity; `undefined` if never. For one not stored yet: if it were stored now. */
  get expirationTime(): Date | undefined {
    const { backend } = this.#context;
    const { idleTimeout, guestIdleTimeout, absoluteTimeout } = backend.timeouts;
    // A login that is not written yet counts as written now.
    const facts = this.#renewal?.uid === undefined ? this.#facts : undefined;
    const from = facts?.lastSeenAt ?? backend.now();
    const idle = this.#idleTimeout ?? facts?.idleTimeout ?? (this.isAuthenticated ? idleTimeout : guestIdleTimeout);
    const deadline = Math.min(from + idle, facts?.absoluteDeadline ?? from + absoluteTimeout);
    return deadline === Infinity ? undefined : new Date(deadline);
  }

  /**
   * The application's data: any JSON object. Change it in place or replace it; it is compared and written at the end.
   * @throws SessionError `ERR_SESSION_GONE` after `destroy()`.
   */
  get data(): Data {
    this.#checkNotEnded();
    return this.#kept.value;
  }

  set data(data: Data) {
    this.#checkNotEnded();
    if (typeof data !== 'object' || data === null || Array.isArray(data)) {
      throw new SessionError(
        'ERR_SESSION_DATA',
        `the session's data must be an object, not ${Array.isArray(data) ? 'an array' : data === null ? 'null' : typeof data}`,
      );
    }
    this.#kept.value = data;
    this.#refused = undefined;
  }

  /**
   * The fields of this request's body, or of the last form that the session kept. Needs a body parser before it, which sets
   * `req.body`. Never holds values whose names look secret (password, token, card, ...): read those from `req.body`.
   */
  get postParameters(): FormParameters {
    return this.#form.parameters('post');
  }

  /** The same for the query of this request's URL. */
  get getParameters(): FormParameters {
    return this.#form.parameters('get');
  }

  /** Forgets the form parameters. */
  clean(): void {
    this.#refused = undefined;
    this.#form.clean();
  }

  /**
   * Logs `uid` in. The session moves to a new id when it is written, always, and keeps its data; but what another user left in
   * it is dropped first.
   * @throws SessionError `ERR_SESSION_UID`, TypeError.
   */
  login(uid: string): void {
    checkUid(uid);
    this.#checkNotEnded();
    if (this.isAuthenticated && this.uid !== uid) {
      this.#kept.value = {} as Data;
      this.#replacesAll = true;
      this.clean();
    }
    this.#renewal = { uid };
    this.#refused = undefined;
  }

  /** Ends the stored session at once, whatever other requests do, and goes on as a guest's that holds nothing. */
  logout(...callback: never[]): MaybePromise<void> {
    refuseCallback('logout', callback);
    this.#checkNotEnded();
    return this.#end('logout');
  }

  /** Ends the stored session at once. This object is of no use afterwards; the next request begins a new one. */
  destroy(...callback: never[]): MaybePromise<void> {
    refuseCallback('destroy', callback);
    if (this.#ended) return undefined;
    this.#ended = true;
    return this.#end('destroy');
  }

  /** Moves the session to a new id when it is written: after a change of rights. `login` does it by itself. */
  regenerate(...callback: never[]): void {
    refuseCallback('regenerate', callback);
    this.#checkNotEnded();
    this.#renewal ??= {};
    this.#refused = undefined;
  }

  /** Notes activity now, which each request does by itself; with `idleTimeout` also sets the session's own. */
  touch(options: { idleTimeout?: Duration } = {}): MaybePromise<void> {
    checkNames('touch', options, ['idleTimeout']);
    this.#checkNotEnded();
    const idleTimeout = options.idleTimeout === undefined ? undefined : duration('idleTimeout', options.idleTimeout);
    if (idleTimeout !== undefined) this.#idleTimeout = idleTimeout;
    if (!this.#facts) return undefined;
    return this.#underWay(this.#context.backend.touch(this.#facts.id, idleTimeout));
  }

  /**
   * Writes what changed. The middleware does it before the response's headers leave; call it where there is no response, or to
   * handle a failure yourself.
   * @throws SessionError `ERR_SESSION_DATA`, `ERR_SESSION_TOO_LARGE`, `ERR_SESSION_FULL`, `ERR_SESSION_CONFLICT` (mode
   * `strict`), `ERR_SESSION_GONE` if the session ended meanwhile.
   */
  save(...callback: never[]): MaybePromise<void> {
    refuseCallback('save', callback);
    const refuse = (error: unknown): never => {
      this.#refused = { text: this.#dataText() };
      throw error;
    };
    const check = (saved: Saved): void => {
      if (saved === 'gone') {
        throw new SessionError('ERR_SESSION_GONE', 'the session ended while it was in use: its changes were dropped');
      }
    };
    try {
      const saved = this.#commitInTurn();
      return isPromise(saved) ? saved.then(check, refuse) : check(saved);
    } catch (error) {
      return refuse(error);
    }
  }

  /**
   * @internal As `save`, for the response: an ended session is no error, and what the handler was refused by its own `save()`
   * and left as it is was its to answer for.
   */
  commit(): MaybePromise<Saved> {
    const pending = this.#pending?.take();
    if (pending) return pending.then(() => this.commit());
    if (this.#refused && this.#refused.text === this.#dataText()) return 'unchanged';
    return this.#commitInTurn();
  }

  /** @internal Whether a commit failed with what the promise of `logout`, `destroy` or `touch` had told the handler. */
  hasTold(error: unknown): boolean {
    return this.#pending?.failedWith(error) ?? false;
  }

  #commitInTurn(): MaybePromise<Saved> {
    if (this.#writing) return this.#writing.then(() => this.#commitInTurn());
    this.#refused = undefined;
    const saved = this.#write();
    if (!isPromise(saved)) return saved;
    const done = (): void => {
      this.#writing = undefined;
    };
    this.#writing = saved.then(done, done);
    return saved;
  }

  /** The data as it would be stored; `undefined` for what cannot be. */
  #dataText(): string | undefined {
    try {
      return this.#keptData?.text;
    } catch {
      return undefined;
    }
  }

  /** @internal What the client's cookie needs: `brought` is the session that the request came with. */
  cookieChange(brought: SessionFacts | undefined): 'set' | 'remove' | undefined {
    // The usual case, in which no id is cut out of the header.
    if (this.#facts === brought) return undefined;
    if (this.#facts === undefined) return this.#removed ? 'remove' : undefined;
    return this.#facts.id === brought?.id ? undefined : 'set';
  }

  toJSON(): object {
    const { handle, uid, isAuthenticated, expirationTime } = this;
    return { handle, uid, isAuthenticated, expirationTime, data: this.#ended ? undefined : this.data };
  }

  [inspect.custom](): object {
    return this.toJSON();
  }

  #checkNotEnded(): void {
    if (this.#ended) {
      throw new SessionError('ERR_SESSION_GONE', 'the session has ended: the next request begins a new one');
    }
  }

  get #storedUid(): string | undefined {
    return this.#uid ?? this.#stored?.uid;
  }

  get #kept(): KeptData<Data> {
    return (this.#keptData ??= new KeptData<Data>(this.#stored?.data ?? EMPTY));
  }

  get #form(): KeptForm {
    return (this.#keptForm ??= new KeptForm(this.#stored?.form ?? '', this.#context.form ?? {}));
  }

  #end(reason: 'destroy' | 'logout'): MaybePromise<void> {
    // A write that is under way may be moving the session to another id, and that is the one to end.
    if (this.#writing) return this.#underWay(this.#writing.then(() => this.#end(reason)));
    const id = this.#facts?.id;
    this.#forget();
    if (id === undefined) return undefined;
    this.#removed = true;
    return this.#underWay(this.#context.backend.destroy(id, reason));
  }

  #underWay(told: MaybePromise<unknown>): MaybePromise<void> {
    return isPromise(told) ? (this.#pending ??= new Pending()).add(told) : undefined;
  }

  /** Goes on as a new session. */
  #forget(): void {
    this.#facts = undefined;
    this.#stored = undefined;
    this.#uid = undefined;
    this.#keptData = undefined;
    this.#keptForm = undefined;
    this.#renewal = undefined;
    this.#replacesAll = false;
    this.#refused = undefined;
    this.#idleTimeout = undefined;
  }

  #write(): MaybePromise<Saved> {
    if (this.#ended) return 'unchanged';
    // Nobody looked at it, which most requests do not.
    if (this.#keptData === undefined && this.#keptForm === undefined && this.#renewal === undefined) return 'unchanged';
    const change = this.#change();
    if (this.#facts === undefined) return this.#create(change);
    if (this.#renewal === undefined && change.data === undefined && change.form === undefined) return 'unchanged';
    return this.#commit(change, MAX_TRIES);
  }

  /** What differs from what was last read or written. */
  #change(): SessionChange {
    return { data: this.#keptData?.change, form: this.#keptForm?.change };
  }

  /** Stores a new session if there is anything to keep; parameters alone are not. */
  #create({ data, form }: SessionChange): MaybePromise<Saved> {
    const renewal = this.#renewal;
    const uid = renewal?.uid;
    if (data === undefined && uid === undefined) return 'unchanged';
    this.#context.admitNewId?.();
    const draft = { data: data ?? EMPTY, form, uid, idleTimeout: this.#idleTimeout };
    return andThen(this.#context.backend.create(draft), (facts) => this.#written(draft, facts, renewal));
  }

  #commit(change: SessionChange, tries: number): MaybePromise<Saved> {
    const { backend, concurrency } = this.#context;
    const { id, version } = this.#facts!;
    const base = concurrency === 'last-write-wins' ? undefined : version;
    const renewal = this.#renewal;
    if (renewal) this.#context.admitNewId?.();
    const outcome: MaybePromise<CommitOutcome> = renewal
      ? backend.regenerate(id, base, { ...change, idleTimeout: this.#idleTimeout }, renewal.uid)
      : backend.commit(id, base, change);
    return andThen(outcome, (outcome) => {
      switch (outcome.status) {
        case 'ok':
          return this.#written(change, outcome.facts, renewal);
        case 'gone':
          return this.#gone(renewal);
        case 'conflict':
          return this.#merge(outcome.current, tries);
      }
    });
  }

  /**
   * The session ended meanwhile, and nothing brings it back. But a login stands by itself: it begins a new session, with what
   * this request put in and nothing of the old one's.
   */
  #gone(renewal: Renewal | undefined): MaybePromise<Saved> {
    if (renewal?.uid === undefined) {
      this.#ended = true;
      this.#forget();
      return 'gone';
    }
    this.#facts = undefined;
    this.#stored = undefined;
    this.#uid = undefined;
    this.#keptData?.merge(EMPTY);
    this.#keptForm?.stored('');
    return this.#create(this.#change());
  }

  #written({ data, form }: SessionChange, facts: SessionFacts, renewal: Renewal | undefined): Saved {
    this.#facts = facts;
    this.#uid = renewal?.uid ?? this.#uid;
    if (data !== undefined) this.#keptData?.stored(data);
    if (form !== undefined) this.#keptForm?.stored(form);
    // A login or a renewal that was asked for while this was being written is still to be done.
    if (this.#renewal === renewal) {
      this.#renewal = undefined;
      this.#replacesAll = false;
    }
    return 'saved';
  }

  /** Somebody else wrote in between: merges and tries again, or fails, as configured. */
  #merge(current: StoredSession, tries: number): MaybePromise<Saved> {
    if (this.#context.concurrency === 'strict' || tries === 0) {
      throw new SessionError(
        'ERR_SESSION_CONFLICT',
        'another request wrote the session in between: nothing was written',
      );
    }
    this.#facts = current;
    this.#stored = current;
    if (this.#replacesAll) this.#keptData?.stored(current.data);
    else this.#keptData?.merge(current.data);
    this.#keptForm?.stored(current.form);
    const change = this.#change();
    return this.#renewal || change.data !== undefined || change.form !== undefined
      ? this.#commit(change, tries - 1)
      : 'unchanged';
  }
}
