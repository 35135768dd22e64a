/** The working copy of a session together with its calls of the store, which are made one after the other. */
import type { SessionFacts } from '../backend/session-backend.js';
import { SessionError, type SessionEndReason } from '../errors.js';
import { andThen, isPromise, type MaybePromise } from '../maybe-promise.js';
import { commitChanges, endOthers, type Saved } from './commit.js';
import { Ending } from './ending.js';
import { Pending } from './pending.js';
import { WorkingCopy } from './working-copy.js';

/** One object with the working copy that it extends, because every session that is looked at creates one. */
export class LiveCopy<Data extends object> extends WorkingCopy<Data> {
  /** The data with which `save()` last failed, so that the response does not fail for it again. */
  #refused: { readonly text: string | undefined } | undefined;
  /** How often something was changed. */
  #edits = 0;
  /** True if a stored session was ended through this object, so that the client's cookie must be removed. */
  #removed = false;
  /** True once a stored session was ended through this object. */
  hasEndedStored = false;
  /** The write in progress. */
  #writing: Promise<unknown> | undefined;
  /** The promises that were handed out; created at the first. */
  #pending: Pending | undefined;
  /** Made when the signal is first asked for. */
  #ending: Ending | undefined;

  get signal(): AbortSignal {
    if (this.#ending === undefined) {
      this.#ending = new Ending(() => this.#isCurrent());
      if (this.hasEnded) this.#ending.abort(undefined);
      else this.#follow();
    }
    return this.#ending.signal;
  }

  /** @throws SessionError `ERR_SESSION_GONE`. */
  checkNotEnded(): void {
    if (this.hasEnded) {
      throw new SessionError('ERR_SESSION_GONE', 'the session has ended: the next request begins a new one');
    }
  }

  /** Notes that something was changed: a write that was refused may succeed now. */
  changed(): void {
    this.#edits += 1;
    this.#refused = undefined;
  }

  /** Writes the changes. @throws SessionError, also `ERR_SESSION_GONE`. */
  save(): MaybePromise<void> {
    return this.#track(() => this.#save(), false);
  }

  /** Writes the session at once if it is not stored, or is to get a new id. @throws SessionError as `save`. */
  store(): MaybePromise<SessionFacts> {
    if (this.facts !== undefined && this.renewal === undefined) return this.facts;
    const factsOf = (): SessionFacts => {
      if (this.facts !== undefined) return this.facts;
      throw new SessionError('ERR_SESSION_GONE', 'the session ended while it was being stored');
    };
    return this.#track(() => andThen(this.#store(), factsOf), false);
  }

  #store(): MaybePromise<void> {
    this.mustBeStored = true;
    return this.#save();
  }

  /** Writes the changes before the response: see `Session.commit`. */
  commit(isBeforeHeaders: boolean): MaybePromise<Saved> {
    const pending = this.#pending?.take();
    if (pending) return pending.then(() => this.commit(isBeforeHeaders));
    if (this.#refused && this.#refused.text === this.changedText) return 'unchanged';
    return this.#write(isBeforeHeaders);
  }

  /** Whether a commit failed with an error that the handler has had from a promise that it waited for. */
  hasReported(error: unknown): boolean {
    return this.#pending?.hasReported(error) ?? false;
  }

  /** What must happen to the client's cookie; `loaded` is the session that the request came with. */
  cookieChange(loaded: SessionFacts | undefined): 'set' | 'remove' | undefined {
    const { facts } = this;
    // The usual case, in which the id need not be cut out of the header.
    if (facts === loaded) return undefined;
    if (facts === undefined) return this.#removed ? 'remove' : undefined;
    return facts.id === loaded?.id ? undefined : 'set';
  }

  /** Records activity, and sets the session's own idle timeout if one is given, in milliseconds. */
  touch(idleTimeout: number | undefined): MaybePromise<boolean> {
    const { facts } = this;
    if (idleTimeout !== undefined) this.#setIdleTimeout(idleTimeout);
    if (facts === undefined) return true;
    const touched = (): MaybePromise<boolean> =>
      andThen(this.context.backend.touch(facts.id, idleTimeout), (isThere) => {
        if (!isThere) this.#ending?.abort(undefined);
        return isThere;
      });
    return this.#track(touched, false);
  }

  /** The last call counts, also after a login that is to be remembered. */
  #setIdleTimeout(idleTimeout: number): void {
    this.idleTimeout = idleTimeout;
    if (this.renewal?.idleTimeout !== undefined && !this.#writing) this.renewal = { ...this.renewal, idleTimeout };
  }

  /** Reads the stored session again, and drops the changes. @throws SessionError `ERR_SESSION_GONE`. */
  reload(): MaybePromise<void> {
    return this.#track(() => this.#reload(), false);
  }

  /** Ends the stored session, and becomes the copy of a new one. */
  end(reason: 'destroy' | 'logout'): MaybePromise<void> {
    return this.#track(() => this.#end(reason), true);
  }

  #save(): MaybePromise<void> {
    const edits = this.#edits;
    const refuse = (error: unknown): never => {
      // What was changed while the write failed has not been refused.
      if (edits === this.#edits) this.#refused = { text: this.triedText };
      throw error;
    };
    const check = (saved: Saved): void => {
      if (saved === 'gone') {
        throw new SessionError('ERR_SESSION_GONE', 'the session ended while it was in use: its changes were dropped');
      }
    };
    try {
      const saved = this.#write(false);
      return isPromise(saved) ? saved.then(check, refuse) : check(saved);
    } catch (error) {
      return refuse(error);
    }
  }

  /** Writes the changes, after a write that is in progress. */
  #write(isBeforeHeaders: boolean): MaybePromise<Saved> {
    if (this.#writing) return this.#writing.then(() => this.#write(isBeforeHeaders));
    this.#refused = undefined;
    const saved = commitChanges(this, isBeforeHeaders);
    if (!isPromise(saved)) {
      if (this.#ending) this.#noteWritten(saved);
      return saved;
    }
    const done = (saved?: Saved): void => {
      this.#writing = undefined;
      if (this.#ending) this.#noteWritten(saved);
    };
    this.#writing = saved.then(done, () => done());
    return saved;
  }

  #reload(): MaybePromise<void> {
    this.checkNotEnded();
    // A write in progress may be giving the session a new id.
    if (this.#writing) return this.#writing.then(() => this.#reload());
    const { context, facts } = this;
    this.#refused = undefined;
    if (facts === undefined) return this.reset();
    return andThen(context.backend.load(facts.id, false), (stored) => {
      // A write that began meanwhile is newer than what was read.
      if (this.#writing) return this.#writing.then(() => this.#reload());
      this.reset();
      if (stored) {
        this.load(stored);
        return undefined;
      }
      this.hasEnded = true;
      this.#ending?.abort(undefined);
      throw new SessionError('ERR_SESSION_GONE', 'the session has ended: there is nothing to reload');
    });
  }

  #end(reason: 'destroy' | 'logout'): MaybePromise<void> {
    // A write in progress may be creating the session, or beginning another user's, which then is the one to end.
    if (this.#writing) return this.#writing.then(() => this.#end(reason));
    const { context, facts, endsOthersOf } = this;
    this.reset();
    this.#refused = undefined;
    this.endsOthersOf = endsOthersOf;
    if (facts === undefined) return endOthers(this);
    this.#removed = true;
    if (this.#ending?.handle !== undefined) {
      if (reason === 'logout') this.#endSignal(reason);
      else this.#ending.abort(reason);
    }
    return andThen(context.backend.destroy(facts.handle, reason), () => {
      this.hasEndedStored = true;
      return endOthers(this);
    });
  }

  /** Whether the id of this copy is still its session's. */
  #isCurrent(): MaybePromise<boolean> {
    if (this.#writing) return this.#writing.then(() => this.#isCurrent());
    const { context, facts } = this;
    return facts === undefined || andThen(context.backend.load(facts.id, false), (stored) => stored !== undefined);
  }

  #noteWritten(saved: Saved | undefined): void {
    if (saved === 'gone') this.#ending?.abort(undefined);
    else this.#follow();
  }

  /** Lets the signal follow the stored session, if there is one by now. */
  #follow(): void {
    const ending = this.#ending;
    const { context, facts } = this;
    if (ending === undefined || facts === undefined || facts.handle === ending.handle) return;
    if (ending.handle === undefined) {
      // A session that belongs to no request has nobody who holds it for as long as a connection.
      ending.follow(facts.handle, context.backend, context.admitNewId === undefined);
    } else {
      this.#endSignal('login');
    }
  }

  /** Aborts the signal of a session that ended through this copy, which from now on may have another one. */
  #endSignal(reason: SessionEndReason | undefined): void {
    const ending = this.#ending;
    this.#ending = undefined;
    ending?.abort(reason);
  }

  /**
   * Makes a call of the backend, for which the response then waits; `isFinal` as in `Pending`. Only over a synchronous backend it throws:
   * what is thrown where nobody awaits a promise would end the process.
   */
  #track<T>(work: () => MaybePromise<T>, isFinal: boolean): MaybePromise<T> {
    const { context } = this;
    let call: MaybePromise<T>;
    try {
      call = work();
    } catch (error) {
      if (context.backend.isSynchronous === true) throw error;
      call = Promise.reject(error);
    }
    return isPromise(call) ? (this.#pending ??= new Pending(context)).add(call, isFinal) : call;
  }
}
