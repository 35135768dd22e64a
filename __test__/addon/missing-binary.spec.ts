/** Loading the package without a binary for the platform throws one clear error. */
import test from 'ava';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runFixture } from '../helpers/fixture.js';

interface Answer {
  name: string;
  code: string;
  message: string;
  cause?: string;
  exports?: string[];
}

const root = dirname(createRequire(import.meta.url).resolve('agai-session/package.json'));

/** Copies the package to a new folder, without its binary. */
function withoutBinary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'agai-session-'));
  for (const file of ['dist', 'index.js', 'package.json'])
    cpSync(join(root, file), join(folder, file), { recursive: true });
  return folder;
}

/** Loads an entry of the package in `folder`, with no binary named in the environment. */
async function load(folder: string, entry: string): Promise<Answer> {
  const args = [join(folder, 'dist', entry)];
  const outcome = await runFixture('load.cjs', { args, cwd: folder, env: { NAPI_RS_NATIVE_LIBRARY_PATH: '' } });
  return outcome.answer<Answer>();
}

for (const entry of ['index.js', 'express/index.js', 'testing/index.js']) {
  test(`without a binary ${entry} throws one error that names the platform, the package and the fix`, async (t) => {
    const folder = withoutBinary();
    t.teardown(() => rmSync(folder, { recursive: true }));
    const { name, code, message, cause } = await load(folder, entry);
    t.is(name, 'SessionError');
    t.is(code, 'ERR_SESSION_BINARY');
    t.true(message.includes(`${process.platform}-${process.arch}`), message);
    const [, platform] = /agai-session-([\w-]+)/.exec(message) ?? [];
    const npm = join(root, 'npm');
    if (existsSync(npm)) t.true(readdirSync(npm).includes(platform ?? ''), `${platform} is a package that exists`);
    t.regex(message, /Install agai-session again/);
    t.regex(message, /npm run build/);
    t.truthy(cause, 'the error of the loader is its cause');
  });
}

test('a binary that cannot be loaded is reported in the same way', async (t) => {
  const folder = withoutBinary();
  t.teardown(() => rmSync(folder, { recursive: true }));
  for (const file of readdirSync(root).filter((file) => file.endsWith('.node'))) {
    writeFileSync(join(folder, file), 'this is no library');
  }
  const { code } = await load(folder, 'index.js');
  t.is(code, 'ERR_SESSION_BINARY');
});

test('the package loads once the binary is there', async (t) => {
  const folder = withoutBinary();
  t.teardown(() => rmSync(folder, { recursive: true }));
  for (const file of readdirSync(root).filter((file) => file.endsWith('.node')))
    cpSync(join(root, file), join(folder, file));
  const { exports } = await load(folder, 'index.js');
  t.true(exports?.includes('SessionStore'));
});
