/**
 * The disk is full, limited, read-only or inaccessible for a while. Writes that cannot be stored are refused with an error code, logouts
 * are accepted as long as there is a byte left for them, and the store recovers by itself once there is room. Nothing acknowledged is lost.
 *
 * Each case runs once; AGAI_SESSION_FULL=1 makes it 200 times:
 *   AGAI_SESSION_FULL=1 npx ava --timeout=60m __test__/durable/full-disk.spec.ts
 */
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SessionStore, type DurableSessionStore, type SessionError, type SessionRecord } from 'agai-session';
import test, { type ExecutionContext } from 'ava';
import { freshPath, openStore, reopen } from '../helpers/durable.js';
import { isFullRun, report } from '../helpers/ledger.js';
import { Ext4, fillUp, mountTmpfs, testAsRoot, tool } from '../helpers/mounts.js';
import { hasHealed } from '../helpers/server-child.js';
import { StoreChild } from '../helpers/store-child.js';
import { until } from '../helpers/until.js';

const ROUNDS = isFullRun ? 200 : 1;
const NOBODY = 65_534;
/** The error codes with which a write may be refused while the disk fails. */
const REFUSALS = ['ERR_SESSION_IO', 'ERR_SESSION_DEGRADED'];

interface Data {
  readonly n: number;
  readonly text: string;
}

const dataOf = (n: number): Data => ({ n, text: 'x'.repeat(2_000) });

/** The expected contents of a store: the number of each session by its id, and the ids that were ended. */
class Account {
  readonly alive = new Map<string, number>();
  readonly dead = new Set<string>();
  checked = 0;

  clear(): void {
    this.alive.clear();
    this.dead.clear();
  }

  lostFrom(store: DurableSessionStore<Data>): string[] {
    this.checked += this.alive.size + this.dead.size;
    const lost = [...this.alive].filter(([id, n]) => store.get(id)?.data.n !== n).map(([, n]) => `${n} is gone`);
    const back = [...this.dead].filter((id) => store.has(id));
    return [...lost, ...back.map((id) => `${store.get(id)?.data.n} came back`)];
  }
}

/** Opens a copy of the files as a kill at this moment would leave them. */
async function asIfKilled(t: ExecutionContext, path: string): Promise<DurableSessionStore<Data>> {
  const copy = freshPath(t);
  for (;;) {
    try {
      cpSync(path, copy, { recursive: true });
      break;
    } catch (error) {
      // An attempt to recover has made a file and removed it meanwhile.
      if ((error as { code: string }).code !== 'ENOENT') throw error;
      rmSync(copy, { recursive: true, force: true });
    }
  }
  return openStore<Data>(t, { path: copy });
}

/** What a kill at this moment would lose or bring back. */
async function lostInKill(t: ExecutionContext, path: string, account: Account): Promise<string[]> {
  const copy = await asIfKilled(t, path);
  const lost = account.lostFrom(copy);
  await copy.close();
  return lost;
}

/** Creates sessions until one is refused; returns the error. */
async function createUntilRefused(
  create: (data: Data) => Promise<{ readonly id: string }>,
  account: Account,
): Promise<SessionError> {
  for (let n = 0; n < 10_000; n += 1) {
    try {
      account.alive.set((await create(dataOf(n))).id, n);
    } catch (error) {
      return error as SessionError;
    }
  }
  throw new Error('10,000 sessions found room');
}

for (const durability of ['os', 'disk'] as const) {
  testAsRoot(
    `${durability}: a store on a full disk refuses writes, accepts logouts, and heals when there is room`,
    async (t) => {
      const disk = mountTmpfs(t, 2_048);
      const path = join(disk, 'sessions.data');
      const store = await openStore<Data>(t, { path, durability });
      const account = new Account();
      const told: string[] = [];
      store.on('degraded', ({ error }) => told.push(`degraded ${error.code}`));
      store.on('healed', () => told.push('healed'));
      const lost: string[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        const made = await Promise.all(Array.from({ length: 100 }, (_, n) => store.create(dataOf(n))));
        for (const { id, data } of made) account.alive.set(id, data.n);
        const giveBack = fillUp(disk);
        const refusal = await createUntilRefused((data) => store.create(data), account);
        t.is(refusal.code, 'ERR_SESSION_IO');
        t.regex(refusal.message, /No space left/);

        // Some of the sessions are ended during an attempt to recover, some while the store is degraded.
        for (const { id } of made.slice(0, 20)) {
          t.true(await store.destroy(id));
          account.alive.delete(id);
          account.dead.add(id);
        }
        await until(() => store.degraded, 'the store counts as degraded');
        const size = store.size;
        await t.throwsAsync(store.create(dataOf(0)), { code: 'ERR_SESSION_DEGRADED' });
        await t.throwsAsync(store.commit(made[50]!.id, undefined, dataOf(-1)), { code: 'ERR_SESSION_DEGRADED' });
        await t.throwsAsync(store.regenerate(made[50]!.id), { code: 'ERR_SESSION_DEGRADED' });
        // It waited forever: the next snapshot is the one that heals the store.
        await t.throwsAsync(store.checkpoint(), { code: 'ERR_SESSION_DEGRADED', message: /No space left/ });
        await t.throwsAsync(store.flush(), { code: 'ERR_SESSION_DEGRADED', message: /No space left/ });
        t.is(store.size, size, 'what is refused changes nothing');
        t.is(store.get(made[50]!.id)?.data.n, 50);
        for (const { id } of made.slice(20, 40)) {
          t.true(await store.destroy(id));
          account.alive.delete(id);
          account.dead.add(id);
        }
        lost.push(...(await lostInKill(t, path, account)));

        giveBack();
        await until(() => told.includes('healed'), 'the store has healed');
        t.false(store.degraded);
        t.deepEqual(told.splice(0), ['degraded ERR_SESSION_IO', 'healed']);
        const { id } = await store.create(dataOf(7));
        account.alive.set(id, 7);
        await until(() => existsSync(join(path, 'reserve')), 'there is room set aside for logouts again');
        lost.push(...(await lostInKill(t, path, account)));
        await store.clear();
        account.clear();
      }
      const title = `full disk, ${durability}, refusing`;
      report(t, { test: title, faults: ROUNDS, checked: account.checked, lost });
    },
  );
}

testAsRoot(
  'with onDiskFailure memory a store goes on while the disk is full, and writes everything when there is room',
  async (t) => {
    const disk = mountTmpfs(t, 2_048);
    const path = join(disk, 'sessions.data');
    const store = await openStore<Data>(t, { path, onDiskFailure: 'memory' });
    const account = new Account();
    const told: string[] = [];
    store.on('degraded', () => told.push('degraded'));
    store.on('healed', () => told.push('healed'));
    const lost: string[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const giveBack = fillUp(disk);
      for (let n = 0; !told.includes('degraded') || !store.degraded; n += 1) {
        account.alive.set((await store.create(dataOf(n))).id, n);
        if (n > 200) await until(() => store.degraded, 'the store counts as degraded');
      }
      const [first, second] = [...account.alive.keys()] as [string, string];
      t.true(await store.destroy(first));
      account.alive.delete(first);
      account.dead.add(first);
      t.is((await store.commit(second, undefined, dataOf(-1))).status, 'ok');
      account.alive.set(second, -1);
      await t.throwsAsync(store.flush(), { code: 'ERR_SESSION_DEGRADED' }, 'who asks for the disk is told the truth');
      t.deepEqual(account.lostFrom(store), []);
      giveBack();
      await until(() => told.includes('healed'), 'the store has healed');
      t.deepEqual(told.splice(0), ['degraded', 'healed']);
      lost.push(...(await lostInKill(t, path, account)));
      await store.clear();
      account.clear();
    }
    report(t, { test: 'full disk, going on from memory', faults: ROUNDS, checked: account.checked, lost });
  },
);

/** The store healed with the space that is reserved for logouts, wrote on until that was used up, and then refused logouts as well. */
testAsRoot('a small store does not use the space that is reserved for logouts to heal', async (t) => {
  const disk = mountTmpfs(t, 1_024);
  const lost: string[] = [];
  let checked = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const store = await openStore<Data>(t, { path: join(disk, `sessions-${round}`) });
    const made = await Promise.all(Array.from({ length: 20 }, (_, n) => store.create({ n, text: '' })));
    const [{ id }, ...ends] = made as [SessionRecord<Data>, ...SessionRecord<Data>[]];
    const giveBack = fillUp(disk);
    let n = 0;
    let refusal: string | undefined;
    while (refusal !== 'ERR_SESSION_DEGRADED' && n < 20_000) {
      n += 1;
      refusal = await store.commit(id, undefined, { n, text: '' }).then(
        () => undefined,
        ({ code }: SessionError) => code,
      );
    }
    t.is(refusal, 'ERR_SESSION_DEGRADED');
    for (const { id } of ends) t.true(await store.destroy(id));
    giveBack();
    await until(() => !store.degraded, 'the store has healed');
    t.is((await store.commit(id, undefined, { n, text: '' })).status, 'ok');
    const again = await reopen(t, store);
    if (again.get(id)?.data.n !== n) lost.push(`${n} is gone`);
    lost.push(...ends.filter(({ id }) => again.has(id)).map(({ data }) => `${data.n} came back`));
    checked += made.length;
    await again.close();
    rmSync(store.path, { recursive: true });
  }
  report(t, { test: 'full disk, a small store', faults: ROUNDS, checked, lost });
});

test.serial('a limit of the file size is handled like a full disk, and a kill meanwhile loses nothing', async (t) => {
  if (process.platform !== 'linux') return t.pass('prlimit is there on Linux alone');
  const lost: string[] = [];
  const account = new Account();
  for (let round = 0; round < ROUNDS; round += 1) {
    const path = freshPath(t);
    const child = await StoreChild.open(t, { path });
    await child.limitFiles(200_000);
    const refusal = await createUntilRefused((data) => child.create(data), account);
    t.is(refusal.code, 'ERR_SESSION_IO');
    t.regex(refusal.message, /File too large/);
    // While a snapshot is shorter than the limit the store heals, by going on in a new file.
    while (!(await child.call<boolean>('degraded'))) {
      const { code } = await createUntilRefused((data) => child.create(data), account);
      t.true(REFUSALS.includes(code), code);
    }
    t.is(child.events.find(({ event }) => event === 'degraded')?.code, 'ERR_SESSION_IO');
    const size = await child.call<number>('size');
    await t.throwsAsync(child.create(dataOf(0)), { code: 'ERR_SESSION_DEGRADED' });
    t.is(await child.call('size'), size);
    if (round % 2 === 0) {
      await child.limitFiles('unlimited');
      await until(() => hasHealed(child.events), 'the store has healed');
      account.alive.set((await child.create(dataOf(7))).id, 7);
    }
    await child.kill();
    const store = await openStore<Data>(t, { path });
    lost.push(...account.lostFrom(store));
    await store.close();
    account.alive.clear();
  }
  report(t, { test: 'file size limit', faults: ROUNDS, checked: account.checked, lost });
  return undefined;
});

testAsRoot(
  'checkpoints fail in a directory without write permission, and writes succeed while the log can grow',
  async (t) => {
    const lost: string[] = [];
    const account = new Account();
    for (let round = 0; round < ROUNDS; round += 1) {
      const path = freshPath(t);
      chmodSync(join(path, '..'), 0o755);
      mkdirSync(path, { mode: 0o700 });
      chownSync(path, NOBODY, NOBODY);
      const child = await StoreChild.open(t, { path, uid: NOBODY });
      const create = async (n: number): Promise<unknown> => account.alive.set((await child.create(dataOf(n))).id, n);
      await create(1);
      chmodSync(path, 0o500);
      await create(2);
      await t.throwsAsync(child.call('checkpoint'), { code: 'ERR_SESSION_IO', message: /Permission denied/ });
      await create(3);
      t.false(await child.call('degraded'), 'the log goes on');

      await child.limitFiles(20_000);
      const { code } = await createUntilRefused((data) => child.create(data), account);
      t.is(code, 'ERR_SESSION_IO');
      for (let look = 0; look < 1_000 && !(await child.call<boolean>('degraded')); look += 1) await delay(20);
      await t.throwsAsync(child.call('checkpoint'), { code: 'ERR_SESSION_DEGRADED', message: /Permission denied/ });
      await child.limitFiles('unlimited');
      chmodSync(path, 0o700);
      await until(() => hasHealed(child.events), 'the store has healed');
      await child.call('checkpoint');
      await create(4);
      await child.kill();
      chownSync(path, process.getuid!(), process.getgid!());
      const store = await openStore<Data>(t, { path });
      lost.push(...account.lostFrom(store));
      await store.close();
      account.alive.clear();
    }
    report(t, { test: 'permission lost', faults: ROUNDS, checked: account.checked, lost });
  },
);

testAsRoot(
  'a store degrades when its file system becomes read-only, and writes everything when it is writable again',
  async (t) => {
    const lost: string[] = [];
    const account = new Account();
    for (let round = 0; round < ROUNDS; round += 1) {
      const disk = new Ext4(t);
      const path = join(disk.path, 'sessions.data');
      const store = await SessionStore.open<Data>({ path, durability: 'disk' });
      t.teardown(() => store.close().catch(() => undefined));
      const made = await Promise.all(Array.from({ length: 50 }, (_, n) => store.create(dataOf(n))));
      for (const { id, data } of made) account.alive.set(id, data.n);
      t.throws(() => tool('mount', '-o', 'remount,ro', disk.path), { message: /busy/ }, 'nobody can do so on purpose');
      disk.abort();
      const refusal = await createUntilRefused((data) => store.create(data), account);
      t.is(refusal.code, 'ERR_SESSION_IO');
      t.regex(refusal.message, /Read-only file system/);
      await until(() => store.degraded, 'the store counts as degraded');
      await t.throwsAsync(store.create(dataOf(0)), { code: 'ERR_SESSION_DEGRADED' });
      // Logouts cannot be written either: they take effect at once, and none is acknowledged as stored.
      const ended = made[0]!.id;
      await t.throwsAsync(store.destroy(ended), { code: 'ERR_SESSION_DEGRADED', message: /Read-only file system/ });
      t.false(store.has(ended));
      account.alive.delete(ended);
      await t.throwsAsync(store.checkpoint(), { code: 'ERR_SESSION_DEGRADED' });
      t.is(store.get(made[1]!.id)?.data.n, 1, 'reads go on');
      await t.throwsAsync(store.close(), { code: 'ERR_SESSION_IO' }, 'a close ends, and says that not all is kept');
      disk.unmount();
      disk.mount();
      const again = await openStore<Data>(t, { path });
      lost.push(...account.lostFrom(again));
      await again.close();
      disk.unmount();
      account.alive.clear();
    }
    report(t, { test: 'read-only file system', faults: ROUNDS, checked: account.checked, lost });
  },
);
