/** Node.js can be told to load no addon, or only with permission, and then says so in words that do not lead there. */
import test from 'ava';
import { cpSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fixturePath, runFixture } from '../helpers/fixture.js';

interface Answer {
  code?: string;
  message?: string;
  exports?: string[];
}

const root = dirname(createRequire(import.meta.url).resolve('agai-session/package.json'));
const entry = join(root, 'dist', 'index.js');
const [major] = process.versions.node.split('.');
const PERMISSION = Number(major) >= 23 ? '--permission' : '--experimental-permission';

async function load(flags: string[], env = {}): Promise<Answer> {
  return (await runFixture('load.cjs', { args: [entry], flags, env })).answer<Answer>();
}

// All three were "not installed or does not load": people installed again and again.
for (const [title, flags, env, message] of [
  ['--no-addons', ['--no-addons'], {}, /remove --no-addons from the command line and NODE_OPTIONS/],
  ['--no-addons in NODE_OPTIONS', [], { NODE_OPTIONS: '--no-addons' }, /remove --no-addons/],
  [`${PERMISSION} without addons`, [PERMISSION, '--allow-fs-read=*'], {}, /--permission .* add --allow-addons/],
  [
    `${PERMISSION} without the files`,
    [
      PERMISSION,
      `--allow-fs-read=${fixturePath('load.cjs')}`,
      `--allow-fs-read=${join(root, 'dist')}/*`,
      '--allow-addons',
    ],
    {},
    /not allowed to read .*index\.js.*--allow-fs-read/,
  ],
] as const) {
  test(`${title} is named as the cause`, async (t) => {
    const answer = await load([...flags], env);
    t.is(answer.code, 'ERR_SESSION_BINARY');
    t.regex(answer.message ?? '', message);
    t.notRegex(answer.message ?? '', /not installed/);
  });
}

test('with the permissions that the messages name it loads', async (t) => {
  const { exports } = await load([PERMISSION, '--allow-fs-read=*', '--allow-addons']);
  t.true(exports?.includes('SessionStore'));
});

// A store of one copy was refused by the other with "pass a SessionStore", which it was.
test('two copies of the package in one process are warned of, once', async (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'agai-session-')));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const binary = readdirSync(root).filter((file) => file.endsWith('.node'));
  for (const file of ['dist', 'index.js', 'package.json', ...binary]) {
    cpSync(join(root, file), join(folder, file), { recursive: true });
  }
  const copy = join(folder, 'dist', 'index.js');
  const run = async (...args: string[]): Promise<{ code: string; message: string }[]> =>
    (await runFixture('copies.cjs', { args })).answer();
  const warnings = await run(entry, copy, join(folder, 'dist', 'express', 'index.js'));
  t.deepEqual(
    warnings.map(({ code }) => code),
    ['SESSION_TWO_COPIES'],
  );
  t.true(warnings[0]!.message.includes(folder) && warnings[0]!.message.includes(root));
  t.deepEqual(await run(entry, join(root, 'dist', 'express', 'index.js')), [], 'one copy is not two');
});
