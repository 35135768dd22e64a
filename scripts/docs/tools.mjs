/** The tools of the documentation, with packages of their own: typedoc needs a TypeScript that has an API, which the project's has not. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { env, hashOf, root, run } from '../setup.mjs';

export const folder = join(root, 'scripts', 'docs');

/** Installs the tools, unless the versions of the lock file are installed. */
export function ensureDocTools() {
  const stamp = join(folder, 'node_modules', '.stamp');
  const wanted = hashOf(['scripts/docs/package.json', 'scripts/docs/package-lock.json']);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.log('setup: installing the tools of the documentation');
  // Not `npm ci`: it rejects a lock file in which the optional binaries of other platforms are missing.
  run('npm', ['install', '--no-save', '--no-audit', '--no-fund'], { cwd: folder });
  writeFileSync(stamp, wanted);
}

/** Runs a tool in the root of the repository, with its output on the terminal. Throws if it fails. */
export function runTool(script, args) {
  run(process.execPath, [join(folder, 'node_modules', script), ...args]);
}

/** Runs a tool; returns its exit code and everything that it printed. */
export function outputOf(script, args) {
  const options = { cwd: root, encoding: 'utf8', env: { ...env, NO_COLOR: '1', FORCE_COLOR: '0' } };
  const { status, stdout, stderr, error } = spawnSync(
    process.execPath,
    [join(folder, 'node_modules', script), ...args],
    options,
  );
  if (error) throw error;
  return { status, output: stdout + stderr };
}
