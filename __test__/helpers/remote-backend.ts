/** A backend that behaves like one across a network: every method returns a promise that resolves after a turn or two of the event loop. */
import type { SessionBackend, SessionInfo } from 'agai-session';
import { setImmediate as turn } from 'node:timers/promises';

export interface RemoteOptions {
  /** Awaited before and after each call reaches `inner`. Default: one turn of the event loop. */
  delay?: () => Promise<void>;
}

/** Makes a backend like `inner`, but with promises, without `cookieReader`, and with copies of what `inner` returns. */
export function remoteBackend(inner: SessionBackend, options: RemoteOptions = {}): SessionBackend {
  const delay = options.delay ?? ((): Promise<void> => turn());

  async function remote<T>(call: () => T | Promise<T>): Promise<T> {
    await delay();
    const answer = copyOf(await call());
    await delay();
    return answer;
  }

  return {
    timeouts: inner.timeouts,
    now: () => inner.now(),
    load: (id, touch) => remote(() => inner.load(id, touch)),
    create: (draft) => remote(() => inner.create(draft)),
    commit: (id, version, change) => remote(() => inner.commit(id, version, change)),
    regenerate: (...args) => remote(() => inner.regenerate(...args)),
    touch: (id, idleTimeout) => remote(() => inner.touch(id, idleTimeout)),
    destroy: (handle, reason) => remote(() => inner.destroy(handle, reason)),
    ...(inner.sessionsOf && {
      sessionsOf: (uid: string) => remote(async () => structuredClone(await inner.sessionsOf!(uid)) as SessionInfo[]),
    }),
    ...(inner.destroyUser && {
      destroyUser: (uid: string, except?: string) => remote(() => inner.destroyUser!(uid, except)),
    }),
  };
}

const FACTS = [
  'id',
  'handle',
  'version',
  'createdAt',
  'lastSeenAt',
  'idleTimeout',
  'absoluteDeadline',
  'authenticatedAt',
  'epoch',
  'level',
  'remembered',
] as const;
const PARTS = [...FACTS, 'uid', 'methods', 'data', 'form'] as const;

/** A copy as after a transfer: own properties only, with the values that they have now. */
export function copyOf<T>(answer: T): T {
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) return answer;
  const { status, facts, current } = answer as { status?: string; facts?: object; current?: object };
  if (status !== undefined) {
    return {
      status,
      ...(facts && { facts: pick(facts, FACTS) }),
      ...(current && { current: pick(current, PARTS) }),
    } as T;
  }
  return pick(answer, 'data' in answer ? PARTS : FACTS) as T;
}

function pick(from: object, names: readonly string[]): object {
  return Object.fromEntries(names.map((name) => [name, (from as Record<string, unknown>)[name]]));
}
