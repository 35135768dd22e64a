// Measures the figures that the package promises, and prints a table: `npm run figures`.
//   figures.mjs NAME   runs one of them in this process and prints its figures as JSON
// Each runs in a process of its own. docs/internals/figures.md has the results and the machine that they were measured on.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { durableCommit, loopDelay, recovery } from './figures/durable.mjs';
import { massExpiry, memory, memoryOfFewUsers, memoryOfManyUsers, touches } from './figures/memory.mjs';
import { call, exit, idle, workers } from './figures/process.mjs';
import { setup, root } from './setup.mjs';

const script = fileURLToPath(import.meta.url);
const figures = {
  memory,
  'memory-of-few-users': memoryOfFewUsers,
  'memory-of-many-users': memoryOfManyUsers,
  'mass expiry': massExpiry,
  call,
  touches,
  idle,
  workers,
  exit,
  'durable-commit': durableCommit,
  'loop-delay': loopDelay,
  recovery,
};

const [name] = process.argv.slice(2);
if (name) {
  console.log(JSON.stringify(await figures[name]()));
} else {
  setup();
  for (const figure of Object.keys(figures)) {
    const output = execFileSync(process.execPath, ['--expose-gc', script, figure], {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 2 ** 24,
    });
    console.log(`\n${figure}`);
    for (const [what, value] of Object.entries(JSON.parse(output))) console.log(`  ${what}: ${String(value)}`);
  }
}
