/** The applications of `examples/apps`, each run in a process of its own by the commands of its package.json. */
import { execFile, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { endOf } from './child.js';
import { until } from './until.js';

export const apps = fileURLToPath(new URL('../../examples/apps', import.meta.url));

/** Loads a package that the examples have installed, such as a client of their protocol. */
export const requireOfExamples = createRequire(join(apps, 'package.json'));

export interface Example {
  readonly origin: string;
  /** What it has printed on stderr so far. */
  readonly errors: () => string;
  /** Resolves once it has printed this on stderr, which may be after its response has arrived. */
  readonly printed: (text: RegExp) => Promise<void>;
  /** Sends a signal to it, and resolves once it has ended. */
  readonly end: (signal: NodeJS.Signals) => Promise<void>;
}

/** Runs a command of npm in an example's folder; resolves with what it printed, and rejects if it failed. */
export async function npm(name: string, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)('npm', args, { cwd: folderOf(name), env: cleanEnv() });
  return stdout + stderr;
}

/** Does what `npm start`, or another script, does, and resolves once the server has printed its address. It ends with the test. */
export async function startExample(
  t: ExecutionContext,
  name: string,
  { script = 'start', env = {} }: { script?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Example> {
  const { scripts } = JSON.parse(readFileSync(join(folderOf(name), 'package.json'), 'utf8'));
  const steps = String(scripts[script]).split(' && ');
  const [, file] = /^node (\S+)$/.exec(steps.pop()!)!;
  await build(name, steps);
  // Not through npm, which would stand between the server and its signals.
  const child = spawn(process.execPath, [file!], {
    cwd: folderOf(name),
    env: { ...cleanEnv(), PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = endOf(child);
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  t.teardown(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const address = new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      const url = /https?:\/\/localhost:\d+/.exec(line);
      if (url) resolve(url[0].replace('localhost', '127.0.0.1'));
    });
    child.once('error', reject);
    void ended.then(() => reject(new Error(`examples/apps/${name} ended: ${errors}`)));
  });
  return {
    origin: await address,
    errors: () => errors,
    printed: (text) => until(() => text.test(errors), `examples/apps/${name} has printed ${text}`),
    end: async (signal) => {
      child.kill(signal);
      await ended;
    },
  };
}

const builds = new Map<string, Promise<void>>();

/** Runs the commands before the last one, once in this process: a test must not build what another one runs. */
function build(name: string, steps: readonly string[]): Promise<void> {
  const built = async (): Promise<void> => {
    for (const step of steps) await npm(name, ...step.split(' ').slice(1));
  };
  const started = builds.get(name) ?? built();
  builds.set(name, started);
  return started;
}

function folderOf(name: string): string {
  if (existsSync(join(apps, 'node_modules', 'agai-session', '.addon'))) return join(apps, name);
  throw new Error('the examples are not installed: `npm test -- --only=ava __test__/examples` installs them');
}

/** The environment without what the test run sets for itself. */
function cleanEnv(): NodeJS.ProcessEnv {
  const { NODE_ENV: _, NODE_OPTIONS: __, NODE_NO_WARNINGS: ___, FORCE_COLOR: ____, ...env } = process.env;
  return { ...env, NO_COLOR: '1' };
}
