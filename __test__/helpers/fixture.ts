/** Runs a script of `__test__/fixtures` in a process of its own. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface FixtureOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments for Node itself. */
  readonly flags?: readonly string[];
  readonly cwd?: string;
}

export interface Outcome {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Milliseconds since 1970 at which the process had ended. */
  readonly endedAt: number;
  /** Parses the last line of `stdout` as JSON. */
  answer<T>(): T;
}

export function fixturePath(name: string): string {
  return fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
}

/** Runs a script to its end; killed after a minute. */
export function runFixture(name: string, options: FixtureOptions = {}): Promise<Outcome> {
  const { args = [], env = {}, flags = [], cwd } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...flags, fixturePath(name), ...args], {
      cwd,
      env: { ...process.env, NODE_OPTIONS: '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
    });
    let stdout = '';
    let stderr = '';
    let endedAt = 0;
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('exit', () => (endedAt = Date.now()));
    child.on('close', (code, signal) => {
      const answer = <T>(): T => {
        const line = stdout.trimEnd().split('\n').at(-1) ?? '';
        try {
          return JSON.parse(line) as T;
        } catch {
          throw new Error(`${name} ended with ${code ?? signal} and answered ${JSON.stringify(stdout)}\n${stderr}`);
        }
      };
      resolve({ code, signal, stdout, stderr, endedAt, answer });
    });
  });
}
