// The whole test suite: `npm test`. It continues after a failure; the last line is `N passed, N failed`.
//   --only=NAME[,NAME]   runs only these steps (the names are below)
//   anything else        is passed to ava: `npm test -- --only=ava __test__/browser/login.spec.ts`
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { checkDocs } from './docs/check.mjs';
import { ensureDocTools } from './docs/tools.mjs';
import { ensureExamples } from './examples.mjs';
import { checkGuards } from './guarded.mjs';
import { checkLayers } from './layers.mjs';
import {
  ensureAddon,
  ensureChromium,
  ensureDist,
  ensureFaultTools,
  ensureFaultsAddon,
  ensurePackages,
  env,
  filesOf,
  quickRelease,
  root,
  windows,
} from './setup.mjs';
import { checkSnippets } from './snippets.mjs';

const only = process.argv
  .find((arg) => arg.startsWith('--only='))
  ?.slice('--only='.length)
  .split(',');
const avaArgs = process.argv.slice(2).filter((arg) => !arg.startsWith('--only='));

const core = ['-p', 'agai-session-core'];
const steps = {
  rustfmt: check('cargo', ['fmt', '--all', '--check']),
  // The binding's test target has no exports, so the library is checked.
  'clippy core': check('cargo', ['clippy', '-p', 'agai-session-core', '--all-targets', '--', '-D', 'warnings']),
  'clippy campaigns': check('cargo', [
    'clippy',
    '-p',
    'agai-session-core',
    '--all-targets',
    '--features',
    'testing',
    '--',
    '-D',
    'warnings',
  ]),
  'clippy node': check('cargo', ['clippy', '-p', 'agai-session-node', '--', '-D', 'warnings']),
  layers,
  guarded: () => verdictOn(checkGuards()),
  snippets: async () => verdictOn((await checkSnippets()).faults),
  types: check('node', ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.test.json']),
  oxlint: check('oxlint', ['--deny-warnings']),
  oxfmt: check('oxfmt', ['--check']),
  publint: check('publint', ['--strict']),
  attw: check('attw', ['--pack', '.']),
  generated: generatedFilesAreCommitted,
  docs: documentation,
  'npm-dirs': npmDirsAreCurrent,
  core: rustTests(['test', ...core]),
  // Crashes, errors and damage on a simulated disk, and planted faults that these tests must detect.
  campaigns: rustTests([
    'test',
    ...core,
    '--features',
    'testing',
    '--release',
    '--target-dir',
    'target/campaign',
    '--lib',
    '--test',
    'crash',
    '--test',
    'damage',
    '--test',
    'errors',
    '--test',
    'recovery',
    '--test',
    'reopen',
    '--test',
    'rest',
  ]),
  // The same on the real file system: kills, two owners, full disks, failing system calls, power cuts.
  real: rustTests([
    'test',
    ...core,
    '--features',
    'testing',
    '--release',
    '--target-dir',
    'target/campaign',
    '--test',
    'real',
  ]),
  model: existsSync(join(root, 'crate/core/tests/model.rs'))
    ? rustTests([
        'test',
        ...core,
        '--features',
        'loom,testing',
        '--release',
        '--test',
        'model',
        '--target-dir',
        'target/loom',
      ])
    : undefined,
  fuzz: check('node', ['scripts/fuzz.mjs', '--seconds=30']),
  // Candidates that are not installed are left out.
  bench: check('node', ['benchmark/run.mjs', '--smoke']),
  ava: avaTests,
};

/** The maximum number of lines of a failed step that are repeated at the end. */
const MAX_REPEATED = 100;

let passed = 0;
let failed = 0;
const failures = [];

function count(name, result) {
  passed += result.passed;
  failed += result.failed;
  if (result.failed === 0) return;
  failures.push(`${name}: ${result.why ?? `${result.failed} failed`}`, ...(result.lines ?? []).slice(0, MAX_REPEATED));
}

for (const prepare of [ensurePackages, ensureAddon, ensureDist, prepareBrowser, prepareExamples, prepareFaults]) {
  try {
    prepare();
  } catch (error) {
    count('setup', { passed: 0, failed: 1, why: error.message });
  }
}
for (const [name, step] of Object.entries(steps)) {
  if (!step || (only && !only.includes(name))) continue;
  console.log(`\n== ${name}`);
  try {
    count(name, await step());
  } catch (error) {
    count(name, { passed: 0, failed: 1, why: error.message });
  }
}
// The end of the output alone says which tests failed, and why.
if (failures.length > 0) console.log(`\nFailed:\n${failures.map((line) => `  ${line}`).join('\n')}`);
process.exitCode = failed > 0 ? 1 : 0;
console.log(`\n${passed} passed, ${failed} failed`);

/** Whether the specs of a folder of `__test__` are going to run. */
function runsSpecsOf(folder) {
  const paths = avaArgs.filter((arg) => arg.startsWith('__test__/'));
  const isIncluded = paths.length === 0 || paths.some((path) => path.includes(folder) || path.includes('*'));
  return isIncluded && (!only || only.includes('ava'));
}

function prepareBrowser() {
  if (runsSpecsOf('browser')) env.CHROMIUM_PATH = ensureChromium();
}

function prepareExamples() {
  if (runsSpecsOf('examples')) ensureExamples();
}

function prepareFaults() {
  if (!only || only.includes('real') || only.includes('ava')) ensureFaultTools();
}

/** Runs a command, prints its output as it arrives, calls `onLine` for each line of stdout, and resolves with its exit code. */
async function stream(command, args, { onLine = () => {}, extraEnv = {} } = {}) {
  const child = spawn(command, args, {
    cwd: root,
    env: { ...env, ...extraEnv },
    stdio: ['ignore', 'pipe', 'inherit'],
    shell: windows,
  });
  const ended = new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(code ?? signal));
  });
  for await (const line of createInterface({ input: child.stdout })) {
    console.log(line);
    onLine(line);
  }
  return ended;
}

/** A command that counts as one test. */
function check(command, args) {
  return async () => verdict((await stream(command, args)) === 0, `${command} ${args.join(' ')}`);
}

function verdict(ok, why) {
  console.log(ok ? 'ok' : `not ok: ${why}`);
  return ok ? { passed: 1, failed: 0 } : { passed: 0, failed: 1, why };
}

/** A check that finds faults, each of them a sentence. */
function verdictOn(faults) {
  return verdict(faults.length === 0, faults.join('; '));
}

/** The result of a run of many tests. A run that fails without naming a failed test, or without any summary, counts as a failure itself. */
function tally(result, code, summaries) {
  const silent = result.failed === 0 && (code !== 0 || summaries === 0);
  return silent ? { ...result, failed: 1, why: `ended with ${code} after ${summaries} summaries` } : result;
}

function output(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: root,
    env,
    encoding: 'utf8',
    shell: windows,
    ...options,
  });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? stderr}`);
  return stdout;
}

/** Checks that imports point one way and that the core does not depend on napi. */
function layers() {
  const tree = output('cargo', ['tree', ...core, '--all-features', '--target', 'all', '--prefix', 'none']);
  const napi = tree.split('\n').filter((line) => line.startsWith('napi'));
  const faults = [...napi.map((name) => `agai-session-core depends on ${name}`), ...checkLayers()];
  return verdictOn(faults);
}

/** Compares the files that the setup has just generated with the last commit; they may differ while the sources are being edited. */
function generatedFilesAreCommitted() {
  const changed = (...paths) => output('git', ['status', '--porcelain', '--', ...paths]).trim() !== '';
  const edited = changed('crate', 'Cargo.toml', 'Cargo.lock', 'package.json');
  return verdict(edited || !changed('index.js', 'index.d.ts'), 'index.js or index.d.ts is not what the build makes');
}

/** Checks the links of the documentation, and that what is generated of it is up to date. */
function documentation() {
  ensureDocTools();
  return verdictOn(checkDocs());
}

function npmDirsAreCurrent() {
  const copy = mkdtempSync(join(tmpdir(), 'agai-session-'));
  try {
    cpSync(join(root, 'package.json'), join(copy, 'package.json'));
    output('napi', ['create-npm-dirs', '--cwd', copy]);
    const wanted = filesOf(['npm'], copy);
    const same = (file) => readFileSync(join(copy, file), 'utf8') === readFileSync(join(root, file), 'utf8');
    const current = wanted.join() === filesOf(['npm']).join() && wanted.every(same);
    return verdict(current, 'npm/ is not what `npx napi create-npm-dirs` makes');
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function rustTests(args) {
  return async () => {
    const result = { passed: 0, failed: 0, lines: [] };
    let summaries = 0;
    let isFailure = false;
    const onLine = (line) => {
      // After `failures:` come the output of the failed tests, and their names. A campaign prints a line for each test.
      if (line === 'failures:') isFailure = true;
      else if (line.startsWith('test result: ')) isFailure = false;
      else if (isFailure || line.includes('| FAILED')) result.lines.push(line);
      const found = /^test result: \w+\. (\d+) passed; (\d+) failed/.exec(line);
      if (!found) return;
      summaries += 1;
      result.passed += Number(found[1]);
      result.failed += Number(found[2]);
    };
    // After a failure in one test binary the next one still runs.
    const code = await stream('cargo', [...args, '--no-fail-fast', '--', '--show-output'], {
      onLine,
      extraEnv: quickRelease,
    });
    return tally(result, code, summaries);
  };
}

async function avaTests() {
  const faults = ensureFaultsAddon();
  const result = { passed: 0, failed: 0, lines: [] };
  let summaries = 0;
  let notOk = 0;
  let isFailure = false;
  const onLine = (line) => {
    const isNotOk = line.startsWith('not ok ') && !/# (SKIP|TODO)/i.test(line);
    if (isNotOk) notOk += 1;
    // The details of a failed test are indented below its line.
    isFailure = isNotOk || (isFailure && line.startsWith(' '));
    if (isFailure) result.lines.push(line);
    const found = /^# (pass|fail) (\d+)$/.exec(line);
    if (!found) return;
    summaries += 1;
    result[found[1] === 'pass' ? 'passed' : 'failed'] = Number(found[2]);
  };
  const code = await stream('ava', ['--tap', ...avaArgs], { onLine, extraEnv: { AGAI_SESSION_FAULTS: faults } });
  result.failed = Math.max(result.failed, notOk);
  return tally(result, code, summaries);
}
