/** The commit of a session: writes the changes of a working copy, and settles conflicts with other requests. */
import { EMPTY } from '../backend/json.js';
import type { CommitOutcome, SessionChange, SessionFacts, StoredSession } from '../backend/session-backend.js';
import { SessionError } from '../errors.js';
import { andThen, type MaybePromise } from '../maybe-promise.js';
import type { Renewal, WorkingCopy } from './working-copy.js';

/** The result of a commit. `gone`: the session had ended, and nothing was written. */
export type Saved = 'unchanged' | 'saved' | 'gone';

type Copy = WorkingCopy<object>;

/** How often a commit merges and tries again; it gives up only if others write the session all the time. */
const MAX_TRIES = 10;

/**
 * Writes the changes of a session, if there are any. One that is not stored yet is created. `isBeforeHeaders`: the headers of the
 * response wait for this.
 * @throws SessionError `ERR_SESSION_DATA`, `ERR_SESSION_TOO_LARGE`, `ERR_SESSION_FULL`, `ERR_SESSION_CONFLICT`.
 */
export function commitChanges(copy: Copy, isBeforeHeaders: boolean): MaybePromise<Saved> {
  if (copy.hasEnded || copy.isUntouched) return 'unchanged';
  const { change, facts } = copy;
  return facts === undefined
    ? create(copy, change, isBeforeHeaders)
    : write(copy, facts, change, isBeforeHeaders, MAX_TRIES);
}

/** Stores a new session if it has data or a user; form parameters alone are not stored. */
function create(copy: Copy, { data, form }: SessionChange, isBeforeHeaders: boolean): MaybePromise<Saved> {
  const { context, renewal, idleTimeout } = copy;
  const login = renewal?.login;
  if (data === undefined && login === undefined) return 'unchanged';
  context.admitNewId?.(isBeforeHeaders);
  const draft = { ...login, data: data ?? EMPTY, form, idleTimeout };
  return andThen(context.backend.create(draft), (facts) => saved(copy, draft, facts, renewal));
}

/** Writes a change to a stored session, and moves it to a new id if that was requested. */
function write(
  copy: Copy,
  facts: SessionFacts,
  change: SessionChange,
  isBeforeHeaders: boolean,
  tries: number,
): MaybePromise<Saved> {
  const { context, renewal, idleTimeout } = copy;
  if (renewal === undefined && change.data === undefined && change.form === undefined) return 'unchanged';
  const { backend, concurrency } = context;
  const version = concurrency === 'last-write-wins' ? undefined : facts.version;
  if (renewal) context.admitNewId?.(isBeforeHeaders);
  const outcome: MaybePromise<CommitOutcome> = renewal
    ? backend.regenerate(facts.id, version, { ...change, idleTimeout }, renewal.login)
    : backend.commit(facts.id, version, change);
  return andThen(outcome, (outcome) => {
    switch (outcome.status) {
      case 'ok':
        return saved(copy, change, outcome.facts, renewal);
      case 'gone':
        return gone(copy, renewal, isBeforeHeaders);
      case 'conflict':
        return conflict(copy, outcome.current, isBeforeHeaders, tries);
    }
  });
}

function saved(copy: Copy, change: SessionChange, facts: SessionFacts, renewal: Renewal | undefined): Saved {
  copy.written(change, facts, renewal);
  return 'saved';
}

/**
 * Handles a session that ended meanwhile: its changes are dropped, and nothing brings it back. Only a login begins a new session, which
 * has what this request wrote and nothing of the old one.
 */
function gone(copy: Copy, renewal: Renewal | undefined, isBeforeHeaders: boolean): MaybePromise<Saved> {
  if (renewal?.login === undefined) {
    copy.hasEnded = true;
    copy.reset();
    return 'gone';
  }
  copy.detach();
  return create(copy, copy.change, isBeforeHeaders);
}

/** Handles a session that another request wrote in between: merges and tries again, or fails, as configured. */
function conflict(copy: Copy, current: StoredSession, isBeforeHeaders: boolean, tries: number): MaybePromise<Saved> {
  if (copy.context.concurrency === 'strict' || tries === 0) {
    throw new SessionError('ERR_SESSION_CONFLICT', 'another request wrote the session in between: nothing was written');
  }
  copy.rebase(current);
  return write(copy, current, copy.change, isBeforeHeaders, tries - 1);
}
