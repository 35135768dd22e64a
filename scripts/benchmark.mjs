// Installs the peers and runs one of benchmark/: `npm run benchmark -- NAME [options]`. The head of each file says what it takes.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root, run, setup } from './setup.mjs';

const [name, ...options] = process.argv.slice(2);
const folder = join(root, 'benchmark');
const file = join(folder, `${name}.mjs`);
if (!name || name === 'compare' || !existsSync(file)) {
  const names = readdirSync(folder).filter((entry) => entry.endsWith('.mjs') && entry !== 'compare.mjs');
  console.error(
    `usage: npm run benchmark -- NAME [options]\n${names.map((entry) => `  ${entry.slice(0, -4)}`).join('\n')}`,
  );
  process.exit(2);
}
setup();
if (!existsSync(join(folder, 'node_modules', 'agai-session'))) {
  run('npm', ['install', '--no-package-lock', '--no-audit', '--no-fund'], { cwd: folder });
}
run(process.execPath, [file, ...options]);
