/** The package's main entry: the direct store API and the framework-neutral manager. */
export { SessionError, type SessionErrorCode } from './errors.js';
export type { CookieOptions } from './manager/cookie.js';
export type { SessionOptions } from './manager/options.js';
export { SessionManager, type StartOptions } from './manager/session-manager.js';
export type { MaybePromise } from './maybe-promise.js';
export type { Duration, Size } from './options.js';
export type { FormParameters, ParameterValue } from './session/form.js';
export { Session, type Concurrency, type SessionData } from './session/session.js';
export type {
  CommitOutcome,
  CookieLookup,
  SessionBackend,
  SessionChange,
  SessionDraft,
  SessionFacts,
  StoredSession,
  Timeouts,
} from './store/backend.js';
export type { SessionEvent, SessionEventName, SessionEvents, SessionListener } from './store/events.js';
export type { SessionStoreOptions } from './store/options.js';
export type { SessionRecord } from './store/session-record.js';
export {
  SessionStore,
  type CommitResult,
  type CreateOptions,
  type SessionInfo,
  type SessionPage,
  type SessionStoreStats,
} from './store/session-store.js';
