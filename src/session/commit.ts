/** The commit of a session: writes the changes of a working copy. */
import { EMPTY } from '../backend/json.js';
import { textOf } from '../backend/members.js';
import type { CommitOutcome, SessionChange, SessionFacts } from '../backend/session-backend.js';
import { SessionError } from '../errors.js';
import { andThen, type MaybePromise } from '../maybe-promise.js';
import type { Renewal, WorkingCopy } from './working-copy.js';

/** The result of a commit. `gone`: the session had ended, and nothing was written. */
export type Saved = 'unchanged' | 'saved' | 'gone';

type Copy = WorkingCopy<object>;

/** In place of a login. */
const NOBODY = {
  uid: undefined,
  absoluteTimeout: undefined,
  level: undefined,
  methods: undefined,
  remembered: undefined,
};
/** How often data that the schema refused is repaired before others who write the session all the time win. */
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
function create(copy: Copy, change: SessionChange, isBeforeHeaders: boolean): MaybePromise<Saved> {
  const { context, renewal } = copy;
  const idleTimeout = renewal?.idleTimeout ?? copy.idleTimeout;
  const { data, keys, form } = change;
  const login = renewal?.login;
  if (data === undefined && keys === undefined && login === undefined && !copy.mustBeStored) return 'unchanged';
  context.admitNewId?.(isBeforeHeaders);
  const draft = { ...(login ?? NOBODY), data: data ?? (keys ? textOf(keys) : EMPTY), form, idleTimeout };
  const { backend } = context;
  return andThen(backend.create(draft), (facts) => {
    const except = login?.uid === copy.endsOthersOf ? facts.handle : undefined;
    return andThen(endOthers(copy, except), () => saved(copy, change, facts, renewal));
  });
}

/**
 * Writes a change to a stored session, and moves it to a new id if that was requested. Changed keys are applied to whatever is stored by
 * then; only in the mode `strict`, and where data that the schema refused is replaced, it must be what this request read.
 */
function write(
  copy: Copy,
  facts: SessionFacts,
  change: SessionChange,
  isBeforeHeaders: boolean,
  tries: number,
): MaybePromise<Saved> {
  const { context, renewal } = copy;
  const idleTimeout = renewal?.idleTimeout ?? copy.idleTimeout;
  const { data, keys, form } = change;
  if (renewal === undefined && data === undefined && keys === undefined && form === undefined) return 'unchanged';
  const { backend, concurrency } = context;
  const { repairs } = copy;
  const version = concurrency === 'strict' || repairs ? facts.version : undefined;
  if (renewal) context.admitNewId?.(isBeforeHeaders);
  const alone = copy.endsOthersOf !== undefined && copy.endsOthersOf === (renewal?.login?.uid ?? copy.storedUid);
  const outcome: MaybePromise<CommitOutcome> = renewal
    ? backend.regenerate(facts.id, version, { data, keys, form, idleTimeout }, renewal.login, alone)
    : backend.commit(facts.id, version, change);
  return andThen(outcome, (outcome) => {
    switch (outcome.status) {
      case 'ok':
        if (alone) copy.endsOthersOf = undefined;
        return andThen(endOthers(copy), () => saved(copy, change, outcome.facts, renewal));
      case 'gone':
        return andThen(endOthers(copy), () => gone(copy, renewal, isBeforeHeaders));
      case 'conflict':
        if (repairs && concurrency !== 'strict' && tries > 0) {
          copy.rebase(outcome.current);
          return write(copy, outcome.current, copy.change, isBeforeHeaders, tries - 1);
        }
        throw new SessionError(
          'ERR_SESSION_CONFLICT',
          'another request wrote the session in between: nothing was written',
        );
    }
  });
}

/** Ends the other sessions of the user whose credentials have changed, if there is one. */
export function endOthers(copy: Copy, except?: string): MaybePromise<void> {
  const { endsOthersOf: uid } = copy;
  if (uid === undefined) return undefined;
  return andThen(copy.context.backend.destroyUser!(uid, except), () => {
    copy.endsOthersOf = undefined;
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
