/** `agai-session verify` and `inspect`: what they report for each kind of directory, and that they change nothing in it. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { SessionError, SessionStore } from 'agai-session';
import test, { type ExecutionContext } from 'ava';
import { cli, COMMAND, run, stateOf } from '../helpers/cli.js';
import { freshPath } from '../helpers/durable.js';

interface Look {
  readonly shape: number;
  readonly verdict: string;
  readonly exitCode: number;
  readonly sessions?: { readonly live: number; readonly guests: number; readonly listed: readonly object[] };
  readonly torn?: { readonly file: string; readonly offset: number; readonly bytes: number };
  readonly damages: readonly { readonly file: string; readonly offset: number; readonly why: string }[];
  readonly files: readonly { readonly name: string; readonly role: string }[];
  readonly holder: { readonly state: string; readonly pid?: number };
  readonly refusal?: string;
  readonly code?: string;
}

/** The texts that must not be printed unless an option asks for them. */
const SECRETS = { uid: 'uid-of-ann', data: 'sesame-open' };

interface Made {
  readonly path: string;
  readonly ids: readonly string[];
  /** The hashes of the ids, in each encoding in which they might be printed. */
  readonly hashes: readonly string[];
}

/** A store as a killed process leaves it: a snapshot, and a log with three more sessions, each in a batch of its own. */
async function killed(t: ExecutionContext): Promise<Made> {
  const running = freshPath(t);
  const store = await SessionStore.open({ path: running });
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) ids.push((await store.create({ n, secret: SECRETS.data }, { uid: SECRETS.uid })).id);
  await store.checkpoint();
  for (let n = 0; n < 3; n++) {
    ids.push((await store.create({ n, secret: SECRETS.data })).id);
    await store.flush();
  }
  const path = freshPath(t);
  cpSync(running, path, { recursive: true, mode: 0 });
  await store.close();
  const keys = await Promise.all(
    ids.map(async (id) => {
      const digest = await crypto.subtle.digest('SHA-256', Buffer.from(id, 'base64url'));
      return Buffer.from(digest).subarray(0, 16);
    }),
  );
  return { path, ids, hashes: keys.flatMap((key) => [key.toString('hex'), key.toString('base64url')]) };
}

function fileOf(path: string, start: string): string {
  const name = readdirSync(path).findLast((name) => name.startsWith(start));
  if (name === undefined) throw new Error(`there is no ${start} in ${path}`);
  return join(path, name);
}

/** Keeps a slow run from printing its progress, which it does after a second. */
const QUIET = ['--progress', 'never'];

/** Runs both commands, with and without `--json`; checks that all agree and that nothing in the directory has changed. */
async function look(t: ExecutionContext, path: string): Promise<Look & { readonly text: string }> {
  const before = stateOf(path);
  const runs = [
    await cli('verify', path, '--json'),
    await cli('verify', path, ...QUIET),
    await cli('inspect', path, ...QUIET),
  ];
  const json = runs[0]!;
  const found = JSON.parse(json.stdout) as Look;
  t.deepEqual(
    runs.map(({ code }) => code),
    [found.exitCode, found.exitCode, found.exitCode],
  );
  t.deepEqual(
    runs.map(({ stderr }) => stderr),
    ['', '', ''],
  );
  t.deepEqual(stateOf(path), before, 'not one byte, name or instant has changed');
  return { ...found, text: runs[2]!.stdout };
}

/** The outcome of opening a copy of the directory. */
async function opening(t: ExecutionContext, path: string): Promise<string> {
  const copy = freshPath(t);
  cpSync(path, copy, { recursive: true });
  try {
    const store = await SessionStore.open({ path: copy });
    const { created, tornBytes } = store.recovery;
    await store.close();
    if (created) return 'empty';
    return tornBytes > 0 ? 'torn' : 'sound';
  } catch (error) {
    if (error instanceof SessionError) return error.code;
    throw error;
  }
}

test('the store of a killed process is sound, and its sessions and files are listed', async (t) => {
  const { path } = await killed(t);
  const found = await look(t, path);
  t.is(found.verdict, 'sound');
  t.is(found.exitCode, 0);
  t.like(found.sessions, { live: 8, guests: 3, listed: [] });
  const roles = found.files.map(({ role }) => role);
  t.deepEqual(roles.slice(0, 3), ['manifest', 'snapshot', 'segment']);
  t.regex(found.text, /^[^\n]+: sound\n {2}store +format 1, codec 1, generation \d+, not closed/);
  t.regex(found.text, /8 live, 3 of them guests; 0 expired/);
  t.is(await opening(t, path), 'sound');
});

test('a torn tail is not reported as damage', async (t) => {
  const { path } = await killed(t);
  const log = fileOf(path, 'log-');
  const { length } = readFileSync(log);
  truncateSync(log, length - 3);
  const found = await look(t, path);
  t.is(found.verdict, 'torn');
  t.is(found.exitCode, 0);
  t.is(found.torn!.offset + found.torn!.bytes, length - 3);
  t.regex(found.text, /sound, with a torn tail\n/);
  t.is(await opening(t, path), 'torn');
});

for (const start of ['MANIFEST', 'snap-', 'log-']) {
  test(`a flipped byte in ${start} is reported, as by an opening`, async (t) => {
    const { path } = await killed(t);
    const file = fileOf(path, start);
    const bytes = readFileSync(file);
    // In the body of the first frame.
    bytes[56 + 17 + 1]! ^= 0x40;
    writeFileSync(file, bytes);
    const found = await look(t, path);
    t.is(found.verdict, 'damaged');
    t.is(found.exitCode, 1);
    t.like(found.damages[0], { file: file.slice(path.length + 1), offset: 56 });
    t.regex(found.text, /Damage\n {2}\S+ at byte 56/);
    t.is(await opening(t, path), 'ERR_SESSION_CORRUPT');
  });

  test(`a newer format of ${start} is reported, as by an opening`, async (t) => {
    const { path } = await killed(t);
    const file = fileOf(path, start);
    const bytes = readFileSync(file);
    bytes.writeUInt16LE(9, 8);
    bytes.writeUInt32LE(crc32c(bytes.subarray(0, 52)), 52);
    writeFileSync(file, bytes);
    const found = await look(t, path);
    t.is(found.verdict, 'newer');
    t.is(found.exitCode, 3);
    t.regex(found.text, /written by a later version: \S+: it has format 9, codec 1/);
    t.is(await opening(t, path), 'ERR_SESSION_FORMAT_NEWER');
  });

  test(`a missing ${start} is reported, as by an opening`, async (t) => {
    const { path } = await killed(t);
    rmSync(fileOf(path, start));
    const found = await look(t, path);
    t.is(found.verdict, 'damaged');
    t.regex(found.damages[0]!.why, /missing/);
    t.is(await opening(t, path), 'ERR_SESSION_CORRUPT');
  });
}

test('a directory in place of a file is reported as unreadable, as by an opening', async (t) => {
  const { path } = await killed(t);
  const log = fileOf(path, 'log-');
  rmSync(log);
  mkdirSync(log);
  const found = await look(t, path);
  t.is(found.verdict, 'unreadable');
  t.is(found.exitCode, 3);
  t.is(await opening(t, path), 'ERR_SESSION_IO');
});

test('a symlink in place of a file is not followed', async (t) => {
  const { path } = await killed(t);
  const log = fileOf(path, 'log-');
  renameSync(log, `${path}-elsewhere`);
  t.teardown(() => rmSync(`${path}-elsewhere`));
  symlinkSync(`${path}-elsewhere`, log);
  t.is((await look(t, path)).verdict, 'unreadable');
});

test('a directory without a store is reported as empty, whatever else is in it', async (t) => {
  const path = freshPath(t);
  mkdirSync(path, { mode: 0o700 });
  t.is((await look(t, path)).verdict, 'empty');
  writeFileSync(join(path, 'holiday\u001b[31m.jpg'), 'not ours');
  const found = await look(t, path);
  t.is(found.verdict, 'empty');
  t.is(found.exitCode, 3);
  t.regex(found.text, /: there is no store in it\n/);
});

test('a path that is no directory is an error, and nothing is created', async (t) => {
  const { path } = await killed(t);
  const link = `${path}-link`;
  symlinkSync(path, link);
  t.teardown(() => rmSync(link));
  const missing = join(path, 'missing');
  for (const place of [missing, link, `${link}/`, fileOf(path, 'MANIFEST')]) {
    const before = stateOf(path);
    const { code, stdout } = await cli('verify', place, '--json');
    t.is(code, 3, place);
    t.like(JSON.parse(stdout), { verdict: 'none', exitCode: 3, code: 'ERR_SESSION_PATH' });
    t.regex((await cli('inspect', place)).stdout, /: cannot be inspected\n.*\(ERR_SESSION_PATH\)/);
    t.deepEqual(stateOf(path), before);
  }
});

// `verify nowhere` answered that the parent of `nowhere` did not exist, although it was the working directory, and advised to create it.
test('a path that is no directory is described: what is there, and where a store is instead', async (t) => {
  const { path } = await killed(t);
  const parent = dirname(path);
  writeFileSync(join(parent, 'notes.txt'), '');
  symlinkSync(path, join(parent, 'link'));
  const elsewhere = `there is a store at ${path}`;
  for (const [named, why] of [
    ['nowhere', `there is nothing at ${join(parent, 'nowhere')}; ${elsewhere}`],
    ['no/where', `there is nothing at ${join(parent, 'no/where')}; ${elsewhere}`],
    ['notes.txt', `${join(parent, 'notes.txt')} is a file, and a store is a directory; ${elsewhere}`],
    ['sessions.data/MANIFEST', `${join(path, 'MANIFEST')} is a file of a store: name its directory, ${path}`],
    ['link', `${join(parent, 'link')} is a symbolic link to ${path}, and is not followed: name the directory itself`],
  ] as const) {
    const json = await run(process.execPath, [COMMAND, 'verify', named, '--json'], { cwd: parent });
    t.is(json.code, 3, named);
    t.like(JSON.parse(json.stdout), { verdict: 'none', code: 'ERR_SESSION_PATH', why });
    const { stdout } = await run(process.execPath, [COMMAND, 'inspect', named], { cwd: parent });
    t.is(stdout, `${named}: cannot be inspected\n  ${why} (ERR_SESSION_PATH)\n`);
  }
});

test('without a path, sessions.data in the working directory is inspected', async (t) => {
  const { path } = await killed(t);
  const cwd = dirname(path);
  for (const command of ['verify', 'inspect']) {
    const named = await run(process.execPath, [COMMAND, command, 'sessions.data', '--json'], { cwd });
    const { code, stdout } = await run(process.execPath, [COMMAND, command, '--json'], { cwd });
    t.is(code, 0);
    t.deepEqual({ ...JSON.parse(stdout), inspectedAt: 0 }, { ...JSON.parse(named.stdout), inspectedAt: 0 });
  }
  const nothing = await run(process.execPath, [COMMAND, 'verify'], { cwd: path });
  t.is(nothing.code, 3);
  t.regex(nothing.stdout, /^sessions\.data: cannot be inspected\n {2}there is nothing at /);
});

test('a directory that this user may not read is an error', async (t) => {
  const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const { path } = await killed(t);
  const node = spawnSync(process.execPath, [COMMAND, '--version'], user);
  if (node.status !== 0) {
    t.pass('another user cannot run the command here');
    return;
  }
  const { code, stdout } = await run(process.execPath, [COMMAND, 'verify', path, '--json'], user);
  const found = JSON.parse(stdout) as Look;
  t.is(code, user.uid === undefined ? 0 : 3);
  t.is(found.code, user.uid === undefined ? undefined : 'ERR_SESSION_PATH');
});

test('a store in use can be inspected, and its process is named', async (t) => {
  const path = freshPath(t);
  const store = await SessionStore.open({ path });
  t.teardown(() => store.close());
  const writer = { isWriting: true };
  const writing = (async () => {
    while (writer.isWriting) await store.create({ secret: SECRETS.data });
  })();
  const looks: Look[] = [];
  for (let round = 0; round < 5; round++) {
    if (round % 2) await store.checkpoint();
    const { code, stdout } = await cli('verify', path, '--json');
    t.is(code, 0, stdout);
    looks.push(JSON.parse(stdout) as Look);
  }
  writer.isWriting = false;
  await writing;
  for (const { holder, verdict } of looks) {
    t.true(verdict === 'sound' || verdict === 'torn');
    if (process.platform === 'linux') t.like(holder, { state: 'process', pid: process.pid });
  }
  const live = looks.map(({ sessions }) => sessions!.live);
  t.true(live[4]! > live[0]!, `it sees what is written meanwhile: ${live}`);
  const { id } = await store.create({});
  t.true(store.has(id), 'the store keeps working');
});

test('secrets are printed only if an option asks for them', async (t) => {
  const { path, ids, hashes } = await killed(t);
  const secrets = [...ids, ...hashes, SECRETS.uid, SECRETS.data];
  const log = fileOf(path, 'log-');
  const damaged = freshPath(t);
  cpSync(path, damaged, { recursive: true });
  truncateSync(join(damaged, log.slice(path.length + 1)), 100);
  writeFileSync(fileOf(damaged, 'snap-'), 'x');
  for (const place of [path, damaged]) {
    for (const args of [['verify'], ['inspect'], ['inspect', '--sessions', '--limit', '1000']]) {
      for (const json of [[], ['--json']]) {
        const { stdout, stderr } = await cli(...args, ...json, place);
        const found = secrets.filter((secret) => (stdout + stderr).includes(secret));
        t.deepEqual(found, [], args.join(' '));
      }
    }
  }
  for (const json of [[], ['--json']]) {
    const shown = (await cli('inspect', path, '--users', '--hashes', '--data', ...json)).stdout;
    t.true(shown.includes(SECRETS.uid) && shown.includes(SECRETS.data) && shown.includes(hashes[0]!));
    t.false(shown.includes(ids[0]!), 'ids are nowhere');
    for (const [option, secret] of [
      ['--users', SECRETS.uid],
      ['--hashes', hashes[0]!],
      ['--data', SECRETS.data],
    ] as const) {
      const { stdout } = await cli('inspect', path, option, ...json);
      const seen = [SECRETS.uid, hashes[0]!, SECRETS.data].filter((secret) => stdout.includes(secret));
      t.deepEqual(seen, [secret], option);
    }
  }
});

test('stored texts cannot control the terminal', async (t) => {
  const path = freshPath(t);
  const store = await SessionStore.open({ path });
  const evil = 'a\u001b]0;owned\u0007b\u009b31mc\u202ed\r\ne';
  // Past the checks of the typed store, as in a file that was written before there were any.
  await store.backend.create({ data: JSON.stringify({ [evil]: evil }), uid: evil });
  await store.close();
  writeFileSync(join(path, `torn-${evil}`), '');
  for (const json of [[], ['--json']]) {
    const { stdout } = await cli('inspect', path, '--users', '--data', ...json);
    // oxlint-disable-next-line no-control-regex
    t.notRegex(stdout, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    t.true(stdout.includes('a\\u001b]0;owned\\u0007b\\u009b31mc\\u202ed'));
    if (json.length > 0) t.like(JSON.parse(stdout), { sessions: { listed: [{ uid: evil }] } });
  }
});

test('--json prints one line, the same each time, with exact numbers', async (t) => {
  const { path } = await killed(t);
  const [first, second] = await Promise.all([cli('inspect', path, '--json'), cli('verify', path, '--json')]);
  t.is(first.stdout.split('\n').length, 2);
  const stable = ({ stdout }: { stdout: string }): object => ({ ...(JSON.parse(stdout) as object), inspectedAt: 0 });
  t.deepEqual(stable(first), stable(second));
  t.like(stable(first), { shape: 1, path, lastLsn: 8, records: 3, manifest: { clean: false, lastLsn: 5 } });
});

test('--limit bounds the number of listed sessions', async (t) => {
  const { path } = await killed(t);
  const { sessions } = JSON.parse((await cli('inspect', path, '--sessions', '--limit', '3', '--json')).stdout) as Look;
  t.is(sessions!.listed.length, 3);
  t.regex((await cli('inspect', path, '--sessions', '--limit', '3')).stdout, /Sessions \(3 of 8\)/);
});

test('progress goes to stderr: lines to a file, a bar to a terminal, nothing with --json', async (t) => {
  const { path } = await killed(t);
  t.regex((await cli('verify', path, '--progress', 'always')).stderr, /^(\d+ % read\n)*100 % read\n$/);
  t.is((await cli('verify', path, '--progress', 'never')).stderr, '');
  t.is((await cli('verify', path, '--progress', 'always', '--json')).stderr, '');
  const command = `${process.execPath} ${COMMAND} verify ${path} --progress always`;
  const terminal = spawnSync('script', ['-qec', command, '/dev/null'], {
    encoding: 'utf8',
    env: { ...process.env, TERM: 'xterm', NO_COLOR: '' },
  });
  if (terminal.error) {
    t.log('there is no script(1) here to make a terminal');
    return;
  }
  t.true(terminal.stdout.includes(`\r\u001b[K[${'='.repeat(30)}] 100 % read\r\u001b[K`), terminal.stdout);
  t.true(terminal.stdout.includes(': \u001b[1m\u001b[32msound'), terminal.stdout);
  const plain = spawnSync('script', ['-qec', command, '/dev/null'], {
    encoding: 'utf8',
    env: { ...process.env, TERM: 'xterm', NO_COLOR: '1' },
  });
  t.false(plain.stdout.includes('\u001b[1m'), plain.stdout);
});

test('the command ends silently when its output is no longer read', async (t) => {
  const { path } = await killed(t);
  const command = `"${process.execPath}" "${COMMAND}" inspect --data --limit 1000 ${QUIET.join(' ')} "${path}" | true`;
  const { stderr } = await run('sh', ['-c', command]);
  t.is(stderr, '');
});

test('an invalid command line is rejected with the reason', async (t) => {
  for (const [args, why] of [
    [['verify', ''], /takes the directory of a store; got an empty path/],
    [['verify', 'a', 'b'], /takes one directory; got 'b' too/],
    [['mend', 'a'], /there is no command 'mend'/],
    [['verify', 'a', '--data'], /use inspect/],
    [['inspect', 'a', '--limit', '-1'], /--limit/],
    [['inspect', 'a', '--limit', '1e9'], /--limit is a whole number/],
    [['inspect', 'a', '--progress', 'maybe'], /--progress is auto, always or never/],
    [['inspect', 'a', '--colour'], /--colour/],
  ] as const) {
    const { code, stdout, stderr } = await cli(...args);
    t.is(code, 2, args.join(' '));
    t.is(stdout, '');
    t.regex(stderr, why);
    t.regex(stderr, /Try agai-session --help\.\n$/);
  }
});

test('--help and --version print the help and the version', async (t) => {
  const help = await cli('--help');
  t.is(help.code, 0);
  t.regex(help.stdout, /agai-session verify \[DIR\]/);
  t.deepEqual([await cli(), await cli('help'), await cli('verify', '-h')], [help, help, help]);
  t.is(help.stderr, '');
  t.regex((await cli('--version')).stdout, /^\d+\.\d+\.\d+\n$/);
});

test('an addon that does not load is reported, and not as damage', async (t) => {
  const { path } = await killed(t);
  const env = { ...process.env, NAPI_RS_NATIVE_LIBRARY_PATH: join(path, 'nowhere.node') };
  for (const place of [path, join(path, 'nowhere')]) {
    const { code, stdout } = await run(process.execPath, [COMMAND, 'verify', place], { env });
    t.is(code, 3);
    t.regex(stdout, /\(ERR_SESSION_BINARY\)/);
    t.notRegex(stdout, /there is nothing at/);
  }
});

/** CRC-32C, bit by bit. */
function crc32c(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}
