import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SessionManager, SessionStore, type DurableStoreOptions } from 'agai-session';
import { ManualClock } from 'agai-session/testing';
import test from 'ava';
import { DURABILITIES } from '../helpers/durable.js';
import { backendContract, CONTRACT_TIMEOUTS, type OpenBackend } from './backend-contract.js';
import { CONTRACT_USER_LIMIT, userLimitContract } from './user-limit-contract.js';

async function openDurable(options: DurableStoreOptions): Promise<OpenBackend> {
  const path = mkdtempSync(join(tmpdir(), 'agai-session-'));
  const clock = new ManualClock(Date.UTC(2030, 0, 1));
  const store = await SessionStore.open({ ...CONTRACT_TIMEOUTS, ...options, clock, path });
  const close = async (): Promise<void> => {
    await store.close();
    rmSync(path, { recursive: true });
  };
  return { backend: store.backend, advance: (by) => clock.advance(by), close };
}

for (const durability of DURABILITIES) {
  const name = `on disk, durability ${durability}`;
  backendContract(test, name, () => openDurable({ durability }), {
    synchronous: 'reads',
    cookieReader: true,
    loneSurrogates: true,
    users: true,
  });
  userLimitContract(test, name, (onMaxSessionsPerUser) =>
    openDurable({ durability, maxSessionsPerUser: CONTRACT_USER_LIMIT, onMaxSessionsPerUser }),
  );
}

test('a manager opens its own store, and reads cookies synchronously from then on', async (t) => {
  const path = mkdtempSync(join(tmpdir(), 'agai-session-'));
  const manager = new SessionManager({ path });
  t.is(manager.store, undefined, 'not open yet');
  const early = manager.create();
  early.login('ann');
  const saved = early.save();
  t.true(saved instanceof Promise);
  await saved;
  t.is((await manager.ready)?.get(early.id!)?.uid, 'ann');
  t.is(manager.store, await manager.ready);
  const read = manager.load(early.id!);
  t.false(read instanceof Promise);
  t.is((await read)?.uid, 'ann');
  t.deepEqual(
    [...manager.store!.sessions()].map(({ uid }) => uid),
    ['ann'],
  );
  await manager.store!.close();
  rmSync(path, { recursive: true });
});
