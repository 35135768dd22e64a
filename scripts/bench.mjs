// Installs the candidates of the benchmark and runs it: `npm run bench -- [options]`. benchmark/run.mjs lists the options.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBenchTools, root, run, setup } from './setup.mjs';

const folder = join(root, 'benchmark');
const stamp = join(folder, 'node_modules', '.stamp');

setup();
ensureBenchTools();
const wanted = createHash('sha256')
  .update(readFileSync(join(folder, 'package.json')))
  .digest('hex');
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  console.log('setup: installing what to measure against');
  run('npm', ['install', '--no-package-lock', '--no-audit', '--no-fund'], { cwd: folder });
  writeFileSync(stamp, wanted);
}
run(process.execPath, [join(folder, 'run.mjs'), ...process.argv.slice(2)]);
