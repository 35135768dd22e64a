// Installs and builds what the package needs to run: npm packages, native addon, dist, and a browser for the tests. Each step compares a
// hash of its inputs with the one stored at its last success, so a second call takes no time.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
export const windows = process.platform === 'win32';

/** The environment of every command: the tools of node_modules come first, and npm prints errors only. */
export const env = {
  ...process.env,
  PATH: join(root, 'node_modules', '.bin') + delimiter + process.env.PATH,
  NODE_NO_WARNINGS: process.env.NODE_NO_WARNINGS ?? '1',
  npm_config_loglevel: 'error',
};

/** Release settings without link-time optimisation, for builds that are only tested. */
export const quickRelease = { CARGO_PROFILE_RELEASE_LTO: 'off', CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16' };

/** Runs a command in the foreground and throws if it fails. */
export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, env, stdio: 'inherit', shell: windows, ...options });
  if (error) throw new Error(`could not start ${command}: ${error.message}`);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed`);
}

/** The files at or below the given paths (relative to the root), sorted; a path that does not exist gives none. */
export function filesOf(paths, base = root) {
  return paths.flatMap((path) => {
    const full = join(base, path);
    if (!existsSync(full)) return [];
    if (!statSync(full).isDirectory()) return [path];
    return filesOf(
      readdirSync(full)
        .toSorted()
        .map((name) => `${path}/${name}`),
      base,
    );
  });
}

/** A hash of the names and contents of the files at or below the given paths. */
export function hashOf(paths) {
  const hash = createHash('sha256');
  for (const file of filesOf(paths)) hash.update(`${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

/**
 * Does `work` unless the stamp says that it was done for these inputs and its outputs have not changed since. `outputs` returns a hash or
 * a name that changes with the outputs, or '' while there are none.
 */
export function once(what, stamp, inputs, outputs, work) {
  const now = () => `${hashOf(inputs)} ${outputs()}\n`;
  if (outputs() && existsSync(stamp) && readFileSync(stamp, 'utf8') === now()) return;
  console.log(`setup: ${what}`);
  const before = hashOf(inputs);
  work();
  mkdirSync(dirname(stamp), { recursive: true });
  // The hash of the inputs before the work: an edit made meanwhile is noticed next time.
  writeFileSync(stamp, `${before} ${outputs()}\n`);
}

export const stampFile = (name) => join(root, 'target', 'stamps', name);
const crateInputs = ['crate', 'Cargo.toml', 'Cargo.lock', 'package.json'];

/** The path of the addon for this machine in a folder, or undefined. */
export function addonIn(folder) {
  const prefix = `agai-session.${process.platform}-${process.arch}`;
  const name =
    existsSync(folder) && readdirSync(folder).find((file) => file.startsWith(prefix) && file.endsWith('.node'));
  return name ? join(folder, name) : undefined;
}

export function ensurePackages() {
  const stamp = join(root, 'node_modules', '.stamp');
  const installed = () => (existsSync(join(root, 'node_modules', '.package-lock.json')) ? 'installed' : '');
  // Not `npm ci`: it rejects a lock file in which the optional binaries of other platforms are missing. This installs the locked versions
  // too, and does not change the lock file.
  once('installing npm packages', stamp, ['package-lock.json'], installed, () =>
    run('npm', ['install', '--no-save', '--no-audit', '--no-fund']),
  );
}

export function ensureAddon() {
  const outputs = () => (addonIn(root) ? hashOf(['index.js', 'index.d.ts']) : '');
  once('building the native addon', stampFile('addon'), crateInputs, outputs, () =>
    run('npm', ['run', 'build:native']),
  );
}

/** Builds the addon with planted faults, beside the real one. Returns its path. */
export function ensureFaultsAddon() {
  const folder = 'target/faults';
  const output = () => addonIn(join(root, folder)) ?? '';
  const args = ['--platform', '--release', '--no-js', '--features', 'testing', '--output-dir', folder];
  once('building the native addon with planted faults', stampFile('faults'), crateInputs, output, () =>
    run('napi', ['build', ...args, '--manifest-path', 'crate/node/Cargo.toml', '--target-dir', `${folder}/cargo`], {
      env: { ...env, ...quickRelease },
    }),
  );
  return output();
}

export function ensureDist() {
  const inputs = ['src', 'tsconfig.json', 'index.d.ts', 'package-lock.json'];
  const outputs = () => (existsSync(join(root, 'dist')) ? hashOf(['dist']) : '');
  once('compiling TypeScript', stampFile('dist'), inputs, outputs, () => {
    rmSync(join(root, 'dist'), { recursive: true, force: true });
    run('npm', ['run', 'build:ts']);
  });
}

/** Returns the path of a Chromium or Chrome; installs Debian's where that is possible. */
export function ensureChromium() {
  const found = findChromium();
  if (found) return found;
  if (process.platform === 'linux' && process.getuid() === 0 && which('apt-get')) {
    console.log('setup: installing chromium');
    const quiet = { env: { ...env, DEBIAN_FRONTEND: 'noninteractive' }, stdio: ['ignore', 'ignore', 'inherit'] };
    run('apt-get', ['update'], quiet);
    run('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'], quiet);
  }
  const path = findChromium();
  if (!path) throw new Error('the browser tests need Chromium or Chrome: install one, or name it in CHROMIUM_PATH');
  return path;
}

/** The tools that the tests on the real file system call, and the packages that contain them. */
const faultTools = {
  strace: 'strace',
  'mkfs.xfs': 'xfsprogs',
  xfs_io: 'xfsprogs',
  'mkfs.ext4': 'e2fsprogs',
  prlimit: 'util-linux',
  fsfreeze: 'util-linux',
};

/** Installs the tools of the tests on the real file system where that is possible; without a tool, tests are skipped and say so. */
export function ensureFaultTools() {
  ensureTools(faultTools, 'some tests on the real file system are skipped');
}

/** Installs the tools of the benchmark where that is possible; without a tool, rows are left out. */
export function ensureBenchTools() {
  ensureTools({ wrk: 'wrk', 'redis-server': 'redis-server' }, 'some rows of the benchmark are left out');
}

/** Installs the packages of missing tools with apt-get if this user may; otherwise prints the consequence. */
function ensureTools(tools, otherwise) {
  const missing = Object.keys(tools).filter((tool) => !which(tool));
  if (missing.length === 0 || process.platform !== 'linux') return;
  if (!canInstall()) {
    console.log(`setup: without ${missing.join(', ')} ${otherwise}`);
    return;
  }
  install([...new Set(missing.map((tool) => tools[tool]))]);
}

/** Installs the compiler for libFuzzer if it is missing. */
export function ensureFuzzTools() {
  if (which('g++') || which('c++')) return;
  if (!canInstall()) throw new Error('the fuzzer needs a C++ compiler: install one, as g++');
  install(['g++']);
}

function canInstall() {
  return process.platform === 'linux' && process.getuid() === 0 && which('apt-get') !== undefined;
}

function install(packages) {
  console.log(`setup: installing ${packages.join(' and ')}`);
  const quiet = { env: { ...env, DEBIAN_FRONTEND: 'noninteractive' }, stdio: ['ignore', 'ignore', 'inherit'] };
  run('apt-get', ['update'], quiet);
  run('apt-get', ['install', '-y', '--no-install-recommends', ...packages], quiet);
}

function findChromium() {
  const named = process.env.CHROMIUM_PATH;
  if (named && !existsSync(named)) throw new Error(`CHROMIUM_PATH names ${named}, which does not exist`);
  if (named) return named;
  const usual = [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  ];
  return (
    ['chromium', 'chromium-browser', 'google-chrome'].map(which).find(Boolean) ?? usual.find((path) => existsSync(path))
  );
}

function which(name) {
  const folder = process.env.PATH.split(delimiter).find((path) => existsSync(join(path, name)));
  return folder && join(folder, name);
}

/** Installs and builds everything that the package needs to run. */
export function setup() {
  ensurePackages();
  ensureAddon();
  ensureDist();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setup();
