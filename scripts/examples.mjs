// Runs an application of examples/apps: `npm run example -- NAME`; without a name it lists them. What is missing is installed and built first.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addonIn, env, once, root, run, setup, stampFile, windows } from './setup.mjs';

const folder = 'examples/apps';
const apps = join(root, folder);
const packed = join(apps, '.package');
const installed = join(apps, 'node_modules', 'agai-session');

/**
 * Installs the npm packages of the examples, and agai-session among them as npm would from the registry: the files that it packs, and the
 * addon in a package of its own.
 */
export function ensureExamples() {
  const manifests = names().map((name) => `${folder}/${name}/package.json`);
  const locked = [`${folder}/package.json`, `${folder}/package-lock.json`, ...manifests];
  const packages = () => (existsSync(join(apps, 'node_modules', '.package-lock.json')) ? 'installed' : '');
  once('installing the packages of the examples', stampFile('examples'), locked, packages, () => {
    pack();
    run('npm', ['ci', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: apps });
  });
  const addon = basename(addonIn(root) ?? '');
  const inputs = ['package.json', 'README.md', 'LICENSE', 'dist', 'index.js', 'index.d.ts', addon, ...locked];
  // npm links the folder; the stamp of a link would not be there.
  const ownFiles = () => (existsSync(join(installed, '.addon')) ? 'copied' : '');
  once('installing agai-session in the examples', stampFile('examples-package'), inputs, ownFiles, () => {
    pack();
    rmSync(installed, { recursive: true, force: true });
    cpSync(packed, installed, { recursive: true });
    const platform = /^agai-session\.(.+)\.node$/.exec(addon)[1];
    const native = join(apps, 'node_modules', `agai-session-${platform}`);
    cpSync(join(root, 'npm', platform), native, { recursive: true });
    cpSync(join(root, addon), join(native, addon));
    writeFileSync(join(installed, '.addon'), platform);
  });
}

/** Copies the files of the package, as `npm pack` would pack them, to a folder that the lock file of the examples names. */
function pack() {
  const { status, stdout, stderr } = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    env,
    encoding: 'utf8',
    shell: windows,
  });
  if (status !== 0) throw new Error(`npm pack failed: ${stderr}`);
  rmSync(packed, { recursive: true, force: true });
  for (const { path } of JSON.parse(stdout)[0].files) cpSync(join(root, path), join(packed, path));
  const {
    scripts: _,
    devDependencies: __,
    ava: ___,
    ...manifest
  } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  writeFileSync(join(packed, 'package.json'), JSON.stringify(manifest));
}

/** The names of the examples. */
function names() {
  const isExample = (name) =>
    name !== 'node_modules' && !name.startsWith('.') && existsSync(join(apps, name, 'package.json'));
  return readdirSync(apps).filter(isExample);
}

/** The title of an example's README. */
function titleOf(name) {
  return readFileSync(join(apps, name, 'README.md'), 'utf8')
    .split('\n', 1)[0]
    .slice('# '.length);
}

function main([name, ...args]) {
  if (!names().includes(name)) {
    const lines = names().map((name) => `  ${name.padEnd(28)}${titleOf(name)}`);
    console.log(`npm run example -- NAME\n\n${lines.join('\n')}`);
    process.exitCode = name === undefined ? 0 : 1;
    return;
  }
  setup();
  ensureExamples();
  const { scripts } = JSON.parse(readFileSync(join(apps, name, 'package.json'), 'utf8'));
  const command = args.length > 0 ? ['run', ...args] : [scripts.start ? 'start' : 'test'];
  // A process group of its own, because npm does not pass signals on to what it started.
  const child = spawn('npm', command, { cwd: join(apps, name), stdio: 'inherit', shell: windows, detached: !windows });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => (windows ? child.kill() : process.kill(-child.pid, signal)));
  }
  child.on('exit', (code) => process.exit(code ?? 1));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    main(process.argv.slice(2));
  } catch (error) {
    console.error(`example: ${error.message}`);
    process.exit(1);
  }
}
