/** The entry `agai-session`: the typed stores, and the manager for servers without a framework. */
export type { KeyChanges } from './backend/members.js';
export type {
  Assurance,
  CommitOutcome,
  CookieLookup,
  DestroyUserOptions,
  SessionBackend,
  SessionChange,
  SessionDraft,
  SessionFacts,
  SessionLogin,
  StoredSession,
  Timeouts,
} from './backend/session-backend.js';
export type { Preset, TimeoutBounds } from './backend/presets.js';
export type { SessionInfo } from './backend/session-info.js';
export type { SessionStoreOptions } from './backend/store-options.js';
export type { JournalEvents } from './disk/events.js';
export type { DurableStoreOptions, Durability, OpeningProgress } from './disk/options.js';
export type { CheckpointResult, RecoveryReport } from './disk/reports.js';
export type { Watcher } from './backend/watchers.js';
export type { DataKey, DataValue, DefaultSessionData, JsonData, Jsonified, SessionData, Validated } from './data.js';
export { SessionError, type SessionEndReason, type SessionErrorCode } from './errors.js';
export type { AnyRequest, AnyResponse } from './http.js';
export type { CookieOptions } from './manager/cookie-options.js';
export type { StartOptions } from './manager/exchange.js';
export type { SiteData } from './manager/head-policy.js';
export type { ManagerOptions, SessionOptions } from './manager/options.js';
export type { AnyStore } from './manager/session-manager.js';
export { SessionManager, type SessionManagerConstructor } from './manager/typed-manager.js';
export type { MaybePromise } from './maybe-promise.js';
export type { Duration, Size } from './options.js';
export type { SessionCallback } from './session/callback.js';
export type { Level, LoginOptions } from './session/assurance.js';
export type { Concurrency } from './session/context.js';
export type { OnInvalid } from './session/data-schema.js';
export type { FormOption, FormParameters, ParameterValue } from './session/form.js';
export { Session } from './session/session.js';
export { DurableSessionStore } from './store/durable-session-store.js';
export type {
  DurableSessionEventName,
  DurableSessionEvents,
  SessionEvent,
  SessionEventName,
  SessionEvents,
  SessionListener,
} from './store/events.js';
export type { SessionPage, SessionStoreStats } from './store/session-info.js';
export type { SessionRecord } from './store/session-record.js';
export type { ListenerOptions } from './store/store-events.js';
export { SessionStore } from './store/session-store.js';
export type { SchemaIssue, SchemaResult, StandardSchema } from './standard-schema.js';
export type { CommitResult, CreateOptions, RegenerateOptions } from './store/store-writes.js';
