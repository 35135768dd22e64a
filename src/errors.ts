/** The codes of this package's errors; docs/errors.md says when each occurs and what to do. */
export type SessionErrorCode =
  | 'ERR_SESSION_BACKEND'
  | 'ERR_SESSION_BACKPRESSURE'
  | 'ERR_SESSION_BINARY'
  | 'ERR_SESSION_CLOSED'
  | 'ERR_SESSION_CONFLICT'
  | 'ERR_SESSION_CORRUPT'
  | 'ERR_SESSION_CSRF'
  | 'ERR_SESSION_DATA'
  | 'ERR_SESSION_DEGRADED'
  | 'ERR_SESSION_FORMAT_NEWER'
  | 'ERR_SESSION_FULL'
  | 'ERR_SESSION_GONE'
  | 'ERR_SESSION_GUEST'
  | 'ERR_SESSION_HEADERS_SENT'
  | 'ERR_SESSION_INSECURE'
  | 'ERR_SESSION_INTERNAL'
  | 'ERR_SESSION_IO'
  | 'ERR_SESSION_LEVEL'
  | 'ERR_SESSION_LIMIT'
  | 'ERR_SESSION_LOCKED'
  | 'ERR_SESSION_OPTIONS'
  | 'ERR_SESSION_PATH'
  | 'ERR_SESSION_PROPERTY'
  | 'ERR_SESSION_STALE'
  | 'ERR_SESSION_SYSTEM'
  | 'ERR_SESSION_TOO_LARGE'
  | 'ERR_SESSION_UID';

/**
 * Why a session ended, in the words of the store's events. `'regenerate'`: it is alive, but another request gave it a new id, so the one
 * that this holder came with is void.
 */
export type SessionEndReason =
  | 'idle-timeout'
  | 'absolute-timeout'
  | 'max-sessions'
  | 'max-bytes'
  | 'max-sessions-per-user'
  | 'destroy'
  | 'destroy-user'
  | 'logout'
  | 'login'
  | 'clear'
  | 'regenerate';

/**
 * The error that this package throws when an operation is refused; its `cause` is the original error, if there is one. A wrong option is a
 * `TypeError` or `RangeError` instead.
 */
export class SessionError extends Error {
  override readonly name = 'SessionError';
  /** Stable: test for this. The message is for people and may change. */
  readonly code: SessionErrorCode;
  /** Why the session ended, if `session.signal` was aborted with this error and it is known. */
  readonly reason?: SessionEndReason;
  /** The status of the response that says the same, if the error is the client's: 401 or 403. Express answers with it. */
  readonly status?: number;

  constructor(
    code: SessionErrorCode,
    message: string,
    options: ErrorOptions & { reason?: SessionEndReason | undefined; status?: number } = {},
  ) {
    super(message, options);
    this.code = code;
    if (options.reason !== undefined) this.reason = options.reason;
    if (options.status !== undefined) this.status = options.status;
  }
}
