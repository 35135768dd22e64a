/**
 * Opening a directory that cannot be used fails with an error that has a code and names the path and the fix; and it changes not one
 * byte there.
 */
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { SessionStore, type DurableStoreOptions, type SessionError, type SessionErrorCode } from 'agai-session';
import test, { type ExecutionContext } from 'ava';
import { freshPath, openStore } from '../helpers/durable.js';
import { fillUp, mountTmpfs, testAsRoot, tool } from '../helpers/mounts.js';
import { StoreChild } from '../helpers/store-child.js';
import { treeOf } from '../helpers/tree.js';

const NOBODY = 65_534;

interface Expected {
  readonly code: SessionErrorCode;
  /** The parts of the message that name the problem and the fix. */
  readonly words: RegExp;
  /** The directory in which nothing may change. Default: the path's parent, with everything below it. */
  readonly around?: string;
  /** The user who opens the store. Default: this process's. */
  readonly uid?: number;
}

/** Expects an opening to fail, with each value of `onCorruption` unless the options name one. */
async function refused(t: ExecutionContext, options: DurableStoreOptions, expected: Expected): Promise<void> {
  const path = String(options.path);
  const { code, words, around = dirname(path), uid } = expected;
  const corruptions = options.onCorruption ? [options.onCorruption] : (['error', 'fresh', 'salvage'] as const);
  for (const onCorruption of corruptions) {
    const all = { ...options, onCorruption };
    const before = treeOf(around);
    const error = await t.throwsAsync<SessionError>(
      uid === undefined ? SessionStore.open(all) : StoreChild.open(t, { ...all, uid }),
    );
    t.is(error.name, 'SessionError');
    t.is(error.code, code, error.message);
    t.true(error.message.includes(path), `${error.message} names ${path}`);
    t.regex(error.message, words);
    t.deepEqual(treeOf(around), before);
  }
}

/** The directory of a closed store, with a snapshot, a log after it, and everything else that there may be. */
async function closedStore(t: ExecutionContext, path = freshPath(t)): Promise<string> {
  const store = await openStore(t, { path });
  await Promise.all(Array.from({ length: 50 }, (_, n) => store.create({ n })));
  await store.checkpoint();
  await Promise.all(Array.from({ length: 50 }, (_, n) => store.create({ n })));
  await store.close();
  return path;
}

test('a path that is a file, or is below one, is refused', async (t) => {
  const path = freshPath(t);
  writeFileSync(path, 'not a directory');
  const words = /is not a directory: move away what is there, or give another path/;
  await refused(t, { path }, { code: 'ERR_SESSION_PATH', words });
  await refused(t, { path: join(path, 'below') }, { code: 'ERR_SESSION_PATH', words, around: path });
});

test('a path without a parent directory is refused', async (t) => {
  const path = join(freshPath(t), 'sessions.data');
  const around = dirname(dirname(path));
  const words = /no such directory, and its parent does not exist either: create that first/;
  await refused(t, { path }, { code: 'ERR_SESSION_PATH', words, around });
});

for (const mode of [0o770, 0o702, 0o777]) {
  test(`a directory that others can write to is refused: mode ${mode.toString(8)}`, async (t) => {
    const path = await closedStore(t);
    chmodSync(path, mode);
    await refused(t, { path }, { code: 'ERR_SESSION_PATH', words: /others may write to it .*: chmod 700 / });
    chmodSync(path, 0o700);
    t.is((await openStore(t, { path })).size, 100, 'fixed as the message says');
  });
}

testAsRoot("another user's directory is refused", async (t) => {
  const path = await closedStore(t);
  chownSync(path, NOBODY, NOBODY);
  const words = /belongs to user 65534, but this process runs as user 0: run it as user 65534, or .* chown/;
  await refused(t, { path }, { code: 'ERR_SESSION_PATH', words });
  chownSync(path, 0, 0);
  t.is((await openStore(t, { path })).size, 100, 'fixed as the message says');
});

testAsRoot('a directory is refused if this user may not write to it, to its parent or to its files', async (t) => {
  const path = await closedStore(t);
  const parent = dirname(path);
  chmodSync(parent, 0o755);
  const words = /permission.*: give (its|this) user the right/i;
  const expected: Expected = { code: 'ERR_SESSION_PATH', words, uid: NOBODY };
  chownSync(path, NOBODY, NOBODY);
  await refused(t, { path }, expected);
  for (const name of readdirSync(path)) chownSync(join(path, name), NOBODY, NOBODY);
  chmodSync(path, 0o500);
  await refused(t, { path }, expected);
  chmodSync(path, 0o300);
  await refused(t, { path }, expected);
  chmodSync(path, 0o700);
  chmodSync(parent, 0o700);
  await refused(t, { path }, expected);
  chmodSync(parent, 0o755);
  await refused(t, { path: join(parent, 'new') }, expected);
  const child = await StoreChild.open(t, { path, uid: NOBODY });
  t.is(await child.call('size'), 100, 'fixed as the message says');
});

testAsRoot('a read-only file system is refused', async (t) => {
  const disk = mountTmpfs(t, 4_096);
  const path = await closedStore(t, join(disk, 'sessions.data'));
  tool('mount', '-o', 'remount,ro', disk);
  const words = /read-only file system: mount that for writing/;
  await refused(t, { path }, { code: 'ERR_SESSION_PATH', words });
  await refused(t, { path: join(disk, 'new') }, { code: 'ERR_SESSION_PATH', words });
  tool('mount', '-o', 'remount,rw', disk);
  t.is((await openStore(t, { path })).size, 100, 'fixed as the message says');
});

testAsRoot('a full disk is refused', async (t) => {
  const disk = mountTmpfs(t, 1_024);
  const path = await closedStore(t, join(disk, 'sessions.data'));
  const giveBack = fillUp(disk);
  // An opening makes a file to see whether there is room, which changes the directory's own times.
  const lines = (): string[] => treeOf(path).slice(1);
  for (let tries = 0; tries < 3; tries += 1) {
    const before = lines();
    const words = /sessions\.data.*No space left.*its file system is full: free some space/;
    await t.throwsAsync(SessionStore.open({ path }), { code: 'ERR_SESSION_PATH', message: words });
    t.deepEqual(lines(), before);
  }
  giveBack();
  t.is((await openStore(t, { path })).size, 100, 'fixed as the message says');
});

test('a directory that another process has open is refused', async (t) => {
  const path = await closedStore(t);
  const child = await StoreChild.open(t, { path });
  await child.call('flush');
  const words = new RegExp(`in use by another process \\(pid ${child.pid}\\); end it, or give this one a directory`);
  await refused(t, { path }, { code: 'ERR_SESSION_LOCKED', words });
  await child.kill();
  t.is((await openStore(t, { path })).size, 100, 'fixed as the message says');
});

/** CRC-32C (Castagnoli), bit by bit. */
function crc32c(bytes: Buffer): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f6_3b78 : 0);
  }
  return ~crc >>> 0;
}

for (const what of ['format', 'codec'] as const) {
  test(`files of a newer ${what} are refused`, async (t) => {
    const path = await closedStore(t);
    for (const name of readdirSync(path).filter((name) => /^(MANIFEST|snap-|log-)/.test(name))) {
      const file = join(path, name);
      const whole = readFileSync(file);
      const newer = Buffer.from(whole);
      newer.writeUInt16LE(7, what === 'format' ? 8 : 10);
      newer.writeUInt32LE(crc32c(newer.subarray(0, 52)), 52);
      writeFileSync(file, newer);
      const words = new RegExp(`${name} .* newer than this version .* install a later one`);
      await refused(t, { path }, { code: 'ERR_SESSION_FORMAT_NEWER', words });
      writeFileSync(file, whole);
    }
    t.is((await openStore(t, { path })).size, 100);
  });
}

/** Each damages one file of a store, which the message then names. */
const harms: Readonly<Record<string, (file: string) => void>> = {
  'a bit is flipped': (file) => {
    const bytes = readFileSync(file);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(file, bytes);
  },
  'it is empty': (file) => truncateSync(file),
  'it is a byte short': (file) => truncateSync(file, readFileSync(file).length - 1),
  'it is missing': (file) => rmSync(file),
  "it is another store's": (file) => {
    const bytes = readFileSync(file);
    bytes.fill(0x5a, 32, 40);
    bytes.writeUInt32LE(crc32c(bytes.subarray(0, 52)), 52);
    writeFileSync(file, bytes);
  },
  'it is another file': (file) => copyFileSync(process.execPath, file),
};

for (const [harm, harmed] of Object.entries(harms)) {
  test(`a damaged file is refused: ${harm}`, async (t) => {
    const path = await closedStore(t);
    const whole = `${path}-whole`;
    for (const name of readdirSync(path).filter((name) => /^(MANIFEST|snap-|log-)/.test(name))) {
      tool('cp', '--archive', path, whole);
      harmed(join(path, name));
      const words =
        /damaged at byte \d+.*Nothing was changed\. Restore a copy, or open with onCorruption 'fresh' .* or 'salvage'/;
      await refused(t, { path, onCorruption: 'error' }, { code: 'ERR_SESSION_CORRUPT', words });
      rmSync(path, { recursive: true });
      renameSync(whole, path);
    }
    t.is((await openStore(t, { path })).size, 100, 'fixed as the message says');
  });
}

test('files that are not of the store are left alone', async (t) => {
  const path = await closedStore(t);
  appendFileSync(join(path, 'notes.txt'), 'mine');
  mkdirSync(join(path, 'folder'));
  const before = ['notes.txt', 'folder'].flatMap((name) => treeOf(join(path, name)));
  const store = await openStore(t, { path });
  await store.checkpoint();
  await store.close();
  t.deepEqual(
    ['notes.txt', 'folder'].flatMap((name) => treeOf(join(path, name))),
    before,
  );
});
