/** The end of a session, as an `AbortSignal`: for streams, sockets and jobs that outlive the request. */
import { getEventListeners } from 'node:events';
import type { SessionBackend } from '../backend/session-backend.js';
import type { Watcher } from '../backend/watchers.js';
import { SessionError, type SessionEndReason } from '../errors.js';
import { isPromise, type MaybePromise } from '../maybe-promise.js';

/** The ending behind each signal that somebody holds: who holds the signal alone keeps it. */
const endings = new WeakMap<AbortSignal, Ending>();

const words: Readonly<Record<SessionEndReason, string>> = {
  'idle-timeout': 'it expired, because there was no activity for its idle timeout',
  'absolute-timeout': 'it expired, because its absolute timeout passed',
  'max-sessions': 'the store was full and evicted it (maxSessions)',
  'max-bytes': 'the store was full and evicted it (maxBytes)',
  'max-sessions-per-user': 'its user logged in elsewhere, and has as many sessions as maxSessionsPerUser allows',
  destroy: 'it was destroyed',
  'destroy-user': 'all sessions of its user were ended',
  logout: 'the user logged out',
  login: 'another user logged in over it',
  clear: 'all sessions were ended',
  regenerate: 'another request gave it a new id, so the id that this holder came with is void',
};

/** The error that a signal is aborted with. `undefined` if the reason is not known. */
function goneError(reason: SessionEndReason | undefined): SessionError {
  const why = reason === undefined ? 'it is not in the store any more, or has a new id' : words[reason];
  return new SessionError('ERR_SESSION_GONE', `the session has ended: ${why}`, { reason });
}

/** The signal of one stored session. A session object makes one when its signal is first asked for. */
export class Ending implements Watcher {
  readonly #controller = new AbortController();
  /** Whether the id that the session object has is still its session's. */
  readonly #isCurrent: () => MaybePromise<boolean>;
  #handle: string | undefined;
  #stop: (() => void) | undefined;

  constructor(isCurrent: () => MaybePromise<boolean>) {
    this.#isCurrent = isCurrent;
    endings.set(this.signal, this);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The session's handle; `undefined` if it was not stored yet. */
  get handle(): string | undefined {
    return this.#handle;
  }

  get isNeeded(): boolean {
    return this.signal.onabort !== null || getEventListeners(this.signal, 'abort').length > 0;
  }

  /** Watches the stored session. `isHeld`: no request holds the session object, so the store must. */
  follow(handle: string, backend: SessionBackend, isHeld: boolean): void {
    this.#handle = handle;
    this.#stop = backend.watch?.(handle, this, isHeld);
    // It may have ended before it was watched.
    this.#lookAgain(undefined);
  }

  ended(reason: SessionEndReason | undefined): void {
    if (reason !== undefined && reason !== 'regenerate') this.abort(reason);
    // A new id may be this session object's own. Later events that are delivered together with this one may know more.
    else queueMicrotask(() => this.#lookAgain(reason));
  }

  closed(): void {
    this.#abort(new SessionError('ERR_SESSION_CLOSED', 'the store of the session was closed'));
  }

  /** Aborts the signal; does nothing the second time. */
  abort(reason: SessionEndReason | undefined): void {
    this.#abort(goneError(reason));
  }

  #abort(error: SessionError): void {
    this.#stop?.();
    this.#controller.abort(error);
  }

  #lookAgain(reason: SessionEndReason | undefined): void {
    const settle = (isCurrent: boolean): void => {
      if (!isCurrent) this.abort(reason);
    };
    try {
      const isCurrent = this.#isCurrent();
      // A store that fails knows no more than that; the next use of the session says so.
      if (isPromise(isCurrent)) isCurrent.then(settle, () => undefined);
      else settle(isCurrent);
    } catch (error) {
      if (error instanceof SessionError && error.code === 'ERR_SESSION_CLOSED') this.#abort(error);
    }
  }
}
