/** The part of the contract of `SessionBackend` for backends that limit the sessions of a user. */
import type { SessionBackend, SessionFacts } from 'agai-session';
import type { ExecutionContext, TestFn } from 'ava';
import { contentsOf, factsOf, mustLoad, type OpenBackend } from './backend-contract.js';

const SECOND = 1_000;

/** What a login does whose user has as many sessions as allowed. */
export type AtLimit = 'evict-oldest' | 'refuse';

/** The limit with which `open` opens its backend. */
export const CONTRACT_USER_LIMIT = 3;

export function userLimitContract(
  test: TestFn,
  name: string,
  open: (atLimit: AtLimit) => OpenBackend | Promise<OpenBackend>,
): void {
  function contract(
    title: string,
    atLimit: AtLimit,
    body: (t: ExecutionContext, backend: SessionBackend, at: OpenBackend) => Promise<void>,
  ): void {
    test(`${name}: ${title}`, async (t) => {
      const opened = await open(atLimit);
      try {
        await body(t, opened.backend, opened);
      } finally {
        await opened.close();
      }
    });
  }

  contract('a login beyond the limit ends the session used longest ago', 'evict-oldest', async (t, backend, at) => {
    const made: SessionFacts[] = [];
    for (let n = 0; n < CONTRACT_USER_LIMIT; n += 1) {
      made.push(await backend.create({ data: '{}', uid: 'ada' }));
      at.advance(SECOND);
    }
    await backend.load(made[0]!.id, true);
    const again = factsOf(t, await backend.regenerate(made[0]!.id, undefined, {}, { uid: 'ada' }));
    await mustLoad(t, backend, made[1]!.id);
    at.advance(SECOND);
    const guest = await backend.create({ data: '{}' });
    const last = factsOf(t, await backend.regenerate(guest.id, undefined, {}, { uid: 'ada' }));
    t.is(await backend.load(made[1]!.id, false), undefined);
    for (const { id } of [again, made[2]!, last]) await mustLoad(t, backend, id);
    const bob = await backend.create({ data: '{}', uid: 'bob' });
    const over = factsOf(t, await backend.regenerate(bob.id, undefined, {}, { uid: 'ada' }));
    t.is(await backend.load(made[2]!.id, false), undefined, "a login over another user's session counts as well");
    for (const { id } of [again, last, over]) await mustLoad(t, backend, id);
  });

  contract('a login beyond the limit is refused, and nothing is written', 'refuse', async (t, backend) => {
    const drafts = Array.from({ length: CONTRACT_USER_LIMIT }, () => backend.create({ data: '{}', uid: 'ada' }));
    const made = await Promise.all(drafts);
    const guest = await backend.create({ data: '{"cart":1}' });
    const bob = await backend.create({ data: '{}', uid: 'bob' });
    const refused = async (login: () => unknown): Promise<void> => {
      const error = await t.throwsAsync(async () => void (await login()));
      t.is((error as { code?: unknown } | undefined)?.code, 'ERR_SESSION_LIMIT');
    };
    await refused(() => backend.create({ data: '{}', uid: 'ada' }));
    await refused(() => backend.regenerate(guest.id, undefined, { data: '{}' }, { uid: 'ada' }));
    await refused(() => backend.regenerate(bob.id, undefined, { data: '{}' }, { uid: 'ada' }));
    t.deepEqual(contentsOf(await mustLoad(t, backend, guest.id)), { uid: undefined, form: '', data: '{"cart":1}' });
    t.is((await mustLoad(t, backend, bob.id)).uid, 'bob');
    factsOf(t, await backend.regenerate(made[0]!.id, undefined, {}, { uid: 'ada' }));
    await backend.destroy(made[1]!.handle, 'logout');
    factsOf(t, await backend.regenerate(guest.id, undefined, {}, { uid: 'ada' }));
  });

  contract('sessions that have expired do not count', 'refuse', async (t, backend, at) => {
    for (let n = 0; n < CONTRACT_USER_LIMIT; n += 1) await backend.create({ data: '{}', uid: 'ada' });
    at.advance(backend.timeouts.idleTimeout);
    const { id } = await backend.create({ data: '{}', uid: 'ada' });
    t.is((await mustLoad(t, backend, id)).uid, 'ada');
  });

  contract('of many logins at once exactly as many stay as allowed', 'evict-oldest', async (t, backend) => {
    const made = await Promise.all(Array.from({ length: 20 }, () => backend.create({ data: '{}', uid: 'ada' })));
    const found = await Promise.all(made.map(({ id }) => backend.load(id, false)));
    t.is(found.filter((stored) => stored !== undefined).length, CONTRACT_USER_LIMIT);
  });
}
