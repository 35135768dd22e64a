/** A folder in which the package's name means the files that npm would publish. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { env, root, windows } from '../setup.mjs';

/** Makes the folder, below the repository so that its other packages are found as well. Returns its path. */
export function makeSandbox(folder) {
  const sandbox = join(root, folder);
  rmSync(sandbox, { recursive: true, force: true });
  mkdirSync(sandbox, { recursive: true });
  writeFileSync(join(sandbox, 'package.json'), '{ "name": "sandbox", "private": true }\n');
  installPacked(join(sandbox, 'node_modules', 'agai-session'));
  return sandbox;
}

/** Copies the files of the package that `npm pack` would put into the tarball, and the addon of this machine. */
export function installPacked(target) {
  const { status, stdout, stderr } = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    env,
    encoding: 'utf8',
    shell: windows,
  });
  if (status !== 0) throw new Error(`npm pack failed: ${stderr}`);
  const packed = JSON.parse(stdout);
  // An array until npm 11, an object by package name since.
  const [{ files }] = Object.values(packed);
  const addons = readdirSync(root).filter((file) => file.endsWith('.node'));
  for (const path of [...files.map((file) => file.path), ...addons]) {
    cpSync(join(root, path), join(target, path), { recursive: true });
  }
}
