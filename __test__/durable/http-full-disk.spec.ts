/**
 * A server whose disk is full for a while responds to writes with 503, keeps users logged in and lets them log out. Once there is room
 * it works as before, without a restart.
 *
 * Once; AGAI_SESSION_FULL=1 makes it 200 times.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DurableStoreOptions } from 'agai-session';
import type { ExecutionContext } from 'ava';
import { Client } from '../helpers/http.js';
import { isFullRun, report } from '../helpers/ledger.js';
import { fillUp, mountTmpfs, testAsRoot } from '../helpers/mounts.js';
import { hasHealed, ServerChild } from '../helpers/server-child.js';
import { until } from '../helpers/until.js';

const ROUNDS = isFullRun ? 200 : 1;

interface User {
  readonly name: string;
  readonly client: Client;
  n: number;
}

const me = async (client: Client): Promise<unknown> => JSON.parse((await client.get('/me')).body);

async function logIn(t: ExecutionContext, origin: string, name: string): Promise<User> {
  const client = new Client(origin);
  t.is((await client.get(`/login/${name}?size=2000`, { method: 'POST' })).status, 303);
  return { name, client, n: 0 };
}

/** A client of another server with the cookies of an existing client. */
function movedTo(origin: string, { jar }: Client): Client {
  const client = new Client(origin);
  for (const [name, value] of jar) client.jar.set(name, value);
  return client;
}

/** Writes until a write is refused; returns the refusal. */
async function addUntilRefused(user: User): Promise<string> {
  for (let tries = 0; tries < 10_000; tries += 1) {
    const { status, body } = await user.client.get('/add', { method: 'POST' });
    if (status === 503) return body;
    user.n += 1;
  }
  throw new Error('10,000 writes found room');
}

for (const onDiskFailure of ['reject', 'memory'] as const) {
  testAsRoot(
    `a server with a full disk keeps its users logged in and works again once there is room: ${onDiskFailure}`,
    async (t) => {
      const disk = mountTmpfs(t, 1_024);
      const lost: string[] = [];
      let checked = 0;
      for (let round = 0; round < ROUNDS; round += 1) {
        const options: DurableStoreOptions = { path: join(disk, `sessions-${round}`), onDiskFailure };
        const server = await ServerChild.start(t, options);
        const { origin, events } = server;
        const stays = await logIn(t, origin, 'ann');
        const leaves = await Promise.all(Array.from({ length: 10 }, (_, n) => logIn(t, origin, `bob-${n}`)));
        // More than fit into the space that is reserved for logouts.
        await Promise.all(Array.from({ length: 60 }, (_, n) => logIn(t, origin, `carl-${n}`)));
        const ended = leaves.map(({ client }) => movedTo(origin, client));
        const giveBack = fillUp(disk);
        if (onDiskFailure === 'reject') {
          t.is(await addUntilRefused(stays), 'ERR_SESSION_IO');
          while ((await addUntilRefused(stays)) !== 'ERR_SESSION_DEGRADED') await delay(10);
          t.is((await new Client(origin).get('/login/eve', { method: 'POST' })).status, 503);
        } else {
          while (events.length === 0) {
            t.is((await stays.client.get('/add', { method: 'POST' })).status, 200);
            stays.n += 1;
          }
        }
        t.is(events[0]?.event, 'degraded');
        for (const { client } of leaves) {
          t.is((await client.get('/logout', { method: 'POST' })).status, 303);
          t.deepEqual(await me(client), { uid: 'Guest' });
        }
        const { uid } = (await me(stays.client)) as { uid: string };
        t.is(uid, 'ann', 'who is logged in stays so');
        t.is((await stays.client.get('/plain')).status, 200);
        if (onDiskFailure === 'reject' && round % 2 === 1) {
          // Killed while the disk is full: what the responses acknowledged must be there.
          await server.kill();
          giveBack();
        } else {
          giveBack();
          await until(() => hasHealed(events), 'the store has healed');
          while ((await stays.client.get('/add', { method: 'POST' })).status === 503) await delay(10);
          stays.n += 1;
          await server.kill();
        }

        const next = await ServerChild.start(t, options);
        const found = (await me(movedTo(next.origin, stays.client))) as { uid: string; n: number };
        if (found.uid !== 'ann' || found.n < stays.n) lost.push(`ann is ${found.uid} at ${found.n}, not at ${stays.n}`);
        for (const client of ended) {
          const { uid } = (await me(movedTo(next.origin, client))) as { uid: string };
          if (uid !== 'Guest') lost.push(`${uid} is logged in again`);
        }
        checked += 1 + ended.length;
        await next.kill();
        rmSync(options.path!, { recursive: true });
      }
      report(t, { test: `full disk over HTTP, ${onDiskFailure}`, faults: ROUNDS, checked, lost });
    },
  );
}
