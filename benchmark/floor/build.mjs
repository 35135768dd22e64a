// Builds floor.c with the system's C compiler.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from '../../scripts/setup.mjs';
import { LeftOut } from '../frame/child.mjs';

const require = createRequire(import.meta.url);

/** A native function that does nothing. */
export function emptyFunction() {
  const { include_dir: headers } = require('node-api-headers');
  const folder = join(root, 'target', 'bench');
  const output = join(folder, 'floor.node');
  mkdirSync(folder, { recursive: true });
  const source = fileURLToPath(new URL('floor.c', import.meta.url));
  const undefinedLater = process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : [];
  const { status, error, stderr } = spawnSync(
    'cc',
    ['-O2', '-shared', '-fPIC', ...undefinedLater, '-DNODE_GYP_MODULE_NAME=floor', '-I', headers, source, '-o', output],
    { encoding: 'utf8' },
  );
  if (error) throw new LeftOut(`no C compiler: ${error.message}`);
  if (status !== 0) throw new Error(`cc failed: ${stderr}`);
  return require(output).empty;
}
