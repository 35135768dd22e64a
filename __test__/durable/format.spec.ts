/** docs/internals/format.md is correct: a reader written from it alone finds the same sessions in the files as the package does. */
import { createHash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SessionStore, type DurableSessionStore } from 'agai-session';
import test, { type ExecutionContext } from 'ava';
import { freshPath } from '../helpers/durable.js';
import { Kind, NEVER, readFile, type Put } from '../helpers/format.js';
import { replay, type Replayed } from '../helpers/replay.js';

const GOLDEN = fileURLToPath(new URL('../../crate/core/tests/golden/format-1-codec-1', import.meta.url));

function secretHashOf(id: string): string {
  return createHash('sha256').update(Buffer.from(id, 'base64url')).digest().subarray(0, 16).toString('hex');
}

type Data = Record<string, unknown>;

/** Each session of the store, in the form in which the reader returns it. */
function compare(t: ExecutionContext, store: DurableSessionStore<Data>, ids: readonly string[], found: Replayed): void {
  const byHash = new Map(found.sessions.map((put) => [put.secretHash, put]));
  let live = 0;
  for (const id of ids) {
    const record = store.get(id);
    const put = byHash.get(secretHashOf(id));
    t.is(put === undefined, record === undefined, id);
    if (!record || !put) continue;
    live += 1;
    t.deepEqual(
      { ...pick(put), data: JSON.parse(put.data) },
      {
        version: record.version,
        createdAt: record.createdAt,
        absoluteDeadline: Math.min(record.absoluteDeadline, NEVER),
        uid: record.uid === 'Guest' ? '' : record.uid,
        data: record.data,
        handle: record.handle,
      },
    );
  }
  t.is(found.sessions.length, live, 'and no other');
}

function pick({ version, createdAt, absoluteDeadline, uid, handle }: Put): object {
  return { version, createdAt, absoluteDeadline, uid, handle };
}

test('the files of a store match the documentation at each moment of its life', async (t) => {
  const path = freshPath(t);
  const store = await SessionStore.open<Data>({ path });
  const ids: string[] = [];
  const kinds = new Set<number>();
  const look = async (): Promise<void> => {
    await store.flush();
    // The state of the files if the process were killed here.
    const copy = freshPath(t);
    cpSync(path, copy, { recursive: true });
    const found = replay(copy);
    for (const kind of found.kinds.keys()) kinds.add(kind);
    t.is(found.torn, 0);
    compare(t, store, ids, found);
  };
  await look();
  for (let n = 0; n < 400; n++) {
    const uid = ['', 'ann', 'é', '变', '\ud800', 'x'.repeat(255)][n % 6]!;
    const data = { n, text: ['a', 'é', '变', '\ud83d\ude00', 'y'.repeat(n * 3)][n % 5] };
    // Past the checks of the typed store, which refuse a lone surrogate.
    ids.push((await store.backend.create({ data: JSON.stringify(data), uid: uid || undefined })).id);
  }
  await look();
  await store.checkpoint();
  for (let n = 0; n < 60; n++) {
    await store.update(ids[n]!, (data) => void (data.again = n));
    await store.setKeys(ids[n]!, { n: -n, [n % 2 ? 'é' : '变']: n, again: n % 3 ? undefined : 'set' });
    await store.destroy(ids[100 + n]!);
    const renewed = await store.regenerate(ids[200 + n]!, { uid: 'bob' });
    if (renewed) ids.push(renewed.id);
    await store.touch(ids[300 + n]!, { idleTimeout: '20m' });
  }
  await look();
  await store.checkpoint();
  await look();
  for (const name of readdirSync(path)) t.is(statSync(join(path, name)).mode & 0o777, 0o600, name);
  t.is(statSync(path).mode & 0o777, 0o700);
  await store.clear();
  ids.push((await store.create({ behind: 'the end of all' })).id);
  await look();
  await store.close();
  const closed = replay(path);
  t.true(closed.manifest.clean);
  t.is(closed.sessions.length, 1);
  const { put, renew, keys, touch, remove, clear, mark, head, block, foot } = Kind;
  t.deepEqual(
    [put, renew, keys, touch, remove, clear, mark, head, block, foot].filter((kind) => !kinds.has(kind)),
    [],
  );
});

for (const name of readdirSync(GOLDEN)) {
  test(`the reader finds the sessions of the golden directory ${name}`, (t) => {
    const found = replay(join(GOLDEN, name, 'sessions.data'));
    t.is(found.torn > 0, name === 'torn');
    const lines = readFileSync(join(GOLDEN, name, 'sessions.txt'), 'utf8')
      .split('\n')
      .slice(0, -1);
    const expected = lines.filter((line) => !line.endsWith(' dead'));
    const byHash = new Map(found.sessions.map((put) => [put.secretHash, put]));
    const read = lines.flatMap((line) => {
      const [id = ''] = line.split(' ');
      const put = byHash.get(secretHashOf(id));
      return put ? [lineOf(id, put)] : [];
    });
    t.deepEqual(read, expected);
    t.is(found.sessions.length, expected.length);
  });
}

function lineOf(id: string, put: Put): string {
  const { handle, version, createdAt, lastSeenAt, idleTimeout, absoluteDeadline, authenticatedAt, uid, data } = put;
  const times = `created ${createdAt} seen ${lastSeenAt} idle ${idleTimeout} absolute ${absoluteDeadline}`;
  return `${id} ${handle} version ${version} ${times} authenticated ${authenticatedAt} uid ${escaped(uid)} data ${escaped(data)}`;
}

function escaped(text: string): string {
  return text.replace(/[^!-[\]-~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

test('the manifest begins with the newest record, and each file with its magic number', (t) => {
  const path = join(GOLDEN, 'killed', 'sessions.data');
  const { header } = readFile(join(path, 'MANIFEST'));
  t.like(header, { magic: 'AGAISMAN', format: 1, codec: 1, number: 0, chain: 0 });
  t.is(header.start, replay(path).manifest.lastLsn);
  t.is(header.generation, replay(path).manifest.generation);
});

test('the reader detects every flipped bit in a sealed log segment', (t) => {
  const path = freshPath(t);
  cpSync(join(GOLDEN, 'closed', 'sessions.data'), path, { recursive: true });
  const name = readdirSync(path).find((name) => name.startsWith('log-'))!;
  const bytes = readFileSync(join(path, name));
  t.notThrows(() => replay(path));
  for (let bit = 0; bit < bytes.length * 8; bit += 7) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    writeFileSync(join(path, name), flipped);
    t.throws(() => replay(path), undefined, `bit ${bit}`);
  }
});
