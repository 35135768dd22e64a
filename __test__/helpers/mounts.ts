/** File systems that are mounted for a test, and can be filled, frozen or made read-only. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext, type Implementation } from 'ava';

/** The reason why nothing can be mounted here, or `undefined`. */
function obstacle(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux';
  const path = mkdtempSync(join(tmpdir(), 'agai-session-'));
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', 'agai-session', path], { encoding: 'utf8' });
  if (status === 0) tool('umount', path);
  rmdirSync(path);
  return status === 0 ? undefined : `cannot mount: ${stderr}`;
}

const skipped = obstacle();

/** A serial test that mounts something or becomes another user. Where that is impossible it is skipped, and its title says why. */
export function testAsRoot(title: string, run: Implementation<[]>): void {
  if (skipped === undefined) test.serial(title, run);
  else test.skip(`${title} [skipped: ${skipped}]`, run);
}

/** Runs a tool; throws an error with its output if it fails. */
export function tool(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Makes a directory for a mount, which is unmounted and removed after the test. */
function mountPoint(t: ExecutionContext): string {
  const parent = mkdtempSync(join(tmpdir(), 'agai-session-'));
  const path = join(parent, 'mount');
  mkdirSync(path);
  t.teardown(() => {
    // Lazily: a store that a failed test left open must not block the mounts of the next tests.
    if (spawnSync('mountpoint', ['--quiet', path]).status === 0) tool('umount', '--lazy', path);
    rmSync(parent, { recursive: true, force: true });
  });
  return path;
}

/** Mounts a file system of `kibibytes` in memory. */
export function mountTmpfs(t: ExecutionContext, kibibytes: number): string {
  const path = mountPoint(t);
  tool('mount', '-t', 'tmpfs', '-o', `size=${kibibytes}k,mode=755`, 'agai-session', path);
  return path;
}

/** An ext4 file system in a file. */
export class Ext4 {
  readonly path: string;
  readonly #t: ExecutionContext;
  readonly #image: string;
  /** Thaws the file system if this process cannot. */
  #watchdog: ChildProcess | undefined;

  constructor(t: ExecutionContext, mebibytes = 32) {
    this.#t = t;
    this.path = mountPoint(t);
    this.#image = join(this.path, '..', 'image');
    tool('truncate', `--size=${mebibytes}M`, this.#image);
    tool('mkfs.ext4', '-q', this.#image);
    this.mount();
  }

  mount(): void {
    tool('mount', '-o', 'loop', this.#image, this.path);
  }

  unmount(): void {
    tool('umount', this.path);
  }

  /** Makes writes and syncs block from now on, as on a disk that does not respond; for half a minute at most. */
  freeze(): void {
    tool('fsfreeze', '--freeze', this.path);
    const script = 'sleep 30; fsfreeze --unfreeze "$0"';
    this.#watchdog = spawn('sh', ['-c', script, this.path], { detached: true, stdio: 'ignore' });
    this.#watchdog.unref();
    // This runs before the store is closed, which waits for the disk.
    this.#t.teardown(() => this.thaw());
  }

  thaw(): void {
    if (this.#watchdog === undefined) return;
    // The process group of the shell and its sleep.
    process.kill(-this.#watchdog.pid!, 'SIGKILL');
    this.#watchdog = undefined;
    tool('fsfreeze', '--unfreeze', this.path);
  }

  /** Makes the file system read-only at once, as the kernel does after a device error. */
  abort(): void {
    tool('mount', '-o', 'remount,abort', this.path);
  }
}

/** Fills the file system; returns the function that frees the space again. */
export function fillUp(directory: string): () => void {
  const path = join(directory, 'ballast');
  const file = openSync(path, 'w');
  for (const size of [65_536, 4_096, 512, 1]) {
    const chunk = Buffer.alloc(size, 1);
    try {
      for (;;) writeSync(file, chunk);
    } catch (error) {
      if ((error as { code: string }).code !== 'ENOSPC') throw error;
    }
  }
  closeSync(file);
  return () => rmSync(path);
}
