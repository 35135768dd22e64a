/** Runs the package's command, and compares a directory before and after. */
import { spawn, type SpawnOptions } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);
const manifest = require.resolve('agai-session/package.json');

/** The file that `npx agai-session` runs. */
export const COMMAND = join(
  dirname(manifest),
  (require(manifest) as { bin: Record<string, string> }).bin['agai-session']!,
);

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, with nothing on its input. */
export function run(program: string, args: readonly string[], options: SpawnOptions = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { timeout: 60_000, ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** Runs the command. */
export function cli(...args: readonly string[]): Promise<Ran> {
  return run(process.execPath, [COMMAND, ...args]);
}

/** Everything that can be observed of a directory: names, kinds, modes, sizes, times of change, bytes. */
export function stateOf(path: string): readonly string[] {
  const below = readdirSync(path).toSorted();
  return ['.', ...below].map((name) => {
    const facts = lstatSync(join(path, name), { bigint: true });
    const { ino, mode, nlink, size, mtimeNs, ctimeNs } = facts;
    let content = '';
    if (facts.isFile())
      content = createHash('sha256')
        .update(readFileSync(join(path, name)))
        .digest('hex');
    if (facts.isSymbolicLink()) content = readlinkSync(join(path, name));
    return [name, ino, mode, nlink, size, mtimeNs, ctimeNs, content].join(' ');
  });
}
