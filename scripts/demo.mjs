// Builds what is missing and runs an example: `npm run demo`, or `node scripts/demo.mjs FILE`. PORT sets the port, DATA the directory of
// the demo's sessions (target/demo.data).
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { root, setup } from './setup.mjs';

try {
  setup();
} catch (error) {
  console.error(`demo: ${error.message}`);
  process.exit(1);
}

const file = process.argv[2] ?? 'examples/demo/supervisor.mjs';
const server = spawn(process.execPath, [file, ...process.argv.slice(3)], {
  cwd: root,
  stdio: 'inherit',
  env: { DATA: join(root, 'target', 'demo.data'), ...process.env },
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  // A terminal sends Ctrl-C to the example too; a second signal would interrupt its shutdown.
  process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY) || server.kill(signal));
}
server.on('error', (error) => {
  console.error(`demo: ${error.message}`);
  process.exit(1);
});
server.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
