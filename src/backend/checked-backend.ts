/**
 * An application's own backend, whose results are checked: what breaks the contract is refused where it happens, by name, instead of
 * becoming a login without a cookie.
 */
import { SessionError } from '../errors.js';
import { kindOf } from '../options.js';
import { andThen, type MaybePromise } from '../maybe-promise.js';
import { tellUndecodable } from '../suspicious.js';
import { HANDLE_LENGTH, ID_LENGTH, isId } from './ids.js';
import type { SessionInfo } from './session-info.js';
import type { CommitOutcome, SessionBackend, SessionFacts, StoredSession } from './session-backend.js';

/** Each backend has one checked form, because managers over one backend know each other by it. */
const checked = new WeakMap<SessionBackend, SessionBackend>();

/** The checked form of a backend. Its calls fail with `ERR_SESSION_BACKEND` where the backend's results break the contract. */
export function checkedBackend(backend: SessionBackend): SessionBackend {
  let known = checked.get(backend);
  if (known === undefined) checked.set(backend, (known = new CheckedBackend(backend)));
  return known;
}

class CheckedBackend implements SessionBackend {
  readonly #backend: SessionBackend;
  readonly cookieReader?: NonNullable<SessionBackend['cookieReader']>;
  readonly watch?: NonNullable<SessionBackend['watch']>;
  readonly sessionsOf?: NonNullable<SessionBackend['sessionsOf']>;
  readonly destroyUser?: NonNullable<SessionBackend['destroyUser']>;

  constructor(backend: SessionBackend) {
    this.#backend = backend;
    // A key that is there already is checked at once; one may also come later, as when the backend has connected.
    if (backend.tokenKey !== undefined) checkedKey(backend.tokenKey);
    if (backend.watch) this.watch = (...args) => backend.watch!(...args);
    if (backend.sessionsOf) {
      this.sessionsOf = (uid) => andThen(backend.sessionsOf!(uid), (sessions) => listOf('sessionsOf', sessions, uid));
    }
    if (backend.destroyUser) {
      this.destroyUser = (...args) => andThen(backend.destroyUser!(...args), (ended) => countOf('destroyUser', ended));
    }
    if (backend.cookieReader) {
      this.cookieReader = (name) => {
        const lookup = backend.cookieReader!(name);
        return (header, touch) => andThen(lookup(header, touch), (stored) => found('cookieReader', stored));
      };
    }
  }

  get timeouts(): SessionBackend['timeouts'] {
    return this.#backend.timeouts;
  }

  get tokenKey(): Uint8Array | undefined {
    const { tokenKey } = this.#backend;
    return tokenKey === undefined ? undefined : checkedKey(tokenKey);
  }

  get isSynchronous(): boolean {
    return this.#backend.isSynchronous ?? false;
  }

  now(): number {
    return this.#backend.now();
  }

  load(...args: Parameters<SessionBackend['load']>): MaybePromise<StoredSession | undefined> {
    return andThen(this.#backend.load(...args), (stored) => found('load', stored));
  }

  create(...args: Parameters<SessionBackend['create']>): MaybePromise<SessionFacts> {
    return andThen(this.#backend.create(...args), (facts) => factsOf('create', facts));
  }

  commit(...args: Parameters<SessionBackend['commit']>): MaybePromise<CommitOutcome> {
    return andThen(this.#backend.commit(...args), (outcome) => outcomeOf('commit', outcome));
  }

  regenerate(...args: Parameters<SessionBackend['regenerate']>): MaybePromise<CommitOutcome> {
    return andThen(this.#backend.regenerate(...args), (outcome) => outcomeOf('regenerate', outcome));
  }

  touch(...args: Parameters<SessionBackend['touch']>): MaybePromise<boolean> {
    return andThen(this.#backend.touch(...args), (isThere) => truthOf('touch', isThere));
  }

  destroy(...args: Parameters<SessionBackend['destroy']>): MaybePromise<boolean> {
    return andThen(this.#backend.destroy(...args), (wasThere) => truthOf('destroy', wasThere));
  }
}

function checkedKey(key: unknown): Uint8Array {
  if (key instanceof Uint8Array && key.length >= 32) return key;
  throw new TypeError(`option store: its tokenKey must be at least 32 random bytes, a Uint8Array, not ${kindOf(key)}`);
}

/** No message shows a value: it may be a secret or a user's data. */
function fail(method: keyof SessionBackend, wrong: string): never {
  throw new SessionError(
    'ERR_SESSION_BACKEND',
    `the option store: ${method}() breaks the contract of SessionBackend: ${wrong}`,
  );
}

/** The numbers that the facts of a session and a listed session have in common. */
const numbers = [
  'version',
  'createdAt',
  'lastSeenAt',
  'idleTimeout',
  'absoluteDeadline',
  'authenticatedAt',
  'level',
] as const;

/** Checks numbers of a session, and whether it is remembered. */
function checkFields<Name extends string>(
  method: keyof SessionBackend,
  of: { readonly [Field in Name]: unknown } & { readonly remembered: unknown },
  names: readonly Name[],
): void {
  for (const name of names) {
    const value: unknown = of[name];
    if (typeof value !== 'number' || Number.isNaN(value)) {
      fail(method, `${name} must be a number, not ${kindOf(value)}`);
    }
  }
  if (typeof of.remembered !== 'boolean') fail(method, `remembered must be a boolean, not ${kindOf(of.remembered)}`);
}

function factsOf<T extends SessionFacts>(method: keyof SessionBackend, facts: T): T {
  if (typeof facts !== 'object' || facts === null)
    fail(method, `it must return the facts of the session, not ${kindOf(facts)}`);
  const { id, handle } = facts;
  if (!isId(id)) {
    // The facts of this package's own stores are getters, which `{ ...facts }` does not copy.
    const fix = id === undefined ? ': copy each field by its name' : '';
    fail(method, `the id must be ${ID_LENGTH} characters of base64url, not ${kindOf(id)}${fix}`);
  }
  if (handle !== id.slice(0, HANDLE_LENGTH))
    fail(method, `the handle must be the first ${HANDLE_LENGTH} characters of the id`);
  checkFields(method, facts, [...numbers, 'epoch']);
  return facts;
}

function storedOf(method: keyof SessionBackend, stored: StoredSession): StoredSession {
  const { uid, data, form, methods } = factsOf(method, stored);
  if (!Array.isArray(methods) || !methods.every((name) => typeof name === 'string'))
    fail(method, `methods must be an array of strings, not ${kindOf(methods)}`);
  if (uid !== undefined && typeof uid !== 'string')
    fail(method, `uid must be a string or undefined, not ${kindOf(uid)}`);
  if (typeof data !== 'string') fail(method, `data must be JSON text, not ${kindOf(data)}`);
  if (typeof form !== 'string') fail(method, `form must be JSON text or '', not ${kindOf(form)}`);
  return stored;
}

/** A session, unless its texts cannot be decoded: then it is none. To serve a part of it, or a default in its place, would log somebody in by damage. */
function found(method: keyof SessionBackend, stored: StoredSession | undefined): StoredSession | undefined {
  return stored !== undefined && isReadable(method, stored) ? stored : undefined;
}

/** Whether the texts of a session can be decoded. */
function isReadable(method: keyof SessionBackend, stored: StoredSession): boolean {
  const { data, form, handle } = storedOf(method, stored);
  const isReadable = isObjectText(data) && (form === '' || isObjectText(form));
  if (!isReadable) tellUndecodable(handle);
  return isReadable;
}

function isObjectText(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function outcomeOf(method: keyof SessionBackend, outcome: CommitOutcome): CommitOutcome {
  switch ((outcome as CommitOutcome | undefined)?.status) {
    case 'ok':
      factsOf(method, (outcome as { facts: SessionFacts }).facts);
      break;
    case 'conflict':
      return isReadable(method, (outcome as { current: StoredSession }).current) ? outcome : { status: 'gone' };
    case 'gone':
      break;
    default:
      fail(method, "it must return an object whose status is 'ok', 'conflict' or 'gone'");
  }
  return outcome;
}

/** The fields of the sessions alone: an id, or whatever else the backend has there, is nothing for a list. */
function listOf(method: keyof SessionBackend, sessions: readonly SessionInfo[], uid: string): SessionInfo[] {
  if (!Array.isArray(sessions)) fail(method, `it must return an array of sessions, not ${kindOf(sessions)}`);
  return sessions.map((session: SessionInfo) => infoOf(method, session, uid));
}

function infoOf(method: keyof SessionBackend, session: SessionInfo, uid: string): SessionInfo {
  if (typeof session !== 'object' || session === null)
    fail(method, `a session must be an object, not ${kindOf(session)}`);
  const { handle, version, createdAt, lastSeenAt, idleTimeout, absoluteDeadline, authenticatedAt, bytes } = session;
  if (typeof handle !== 'string' || handle.length !== HANDLE_LENGTH) {
    fail(method, `the handle must be the first ${HANDLE_LENGTH} characters of the id`);
  }
  if (session.uid !== uid) fail(method, 'uid must be the user id that was asked for');
  checkFields(method, session, [...numbers, 'bytes']);
  const times = { createdAt, lastSeenAt, idleTimeout, absoluteDeadline, authenticatedAt };
  const idleDeadline = lastSeenAt + idleTimeout;
  return { handle, uid, version, ...times, idleDeadline, level: session.level, remembered: session.remembered, bytes };
}

function countOf(method: keyof SessionBackend, count: number): number {
  if (!Number.isInteger(count) || count < 0) fail(method, `it must return how many, not ${kindOf(count)}`);
  return count;
}

function truthOf(method: keyof SessionBackend, value: boolean): boolean {
  if (typeof value !== 'boolean') fail(method, `it must return a boolean, not ${kindOf(value)}`);
  return value;
}
