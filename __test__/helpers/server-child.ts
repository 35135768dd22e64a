/** A server over a store on disk, in a process of its own that can be killed. */
import { fork, type ChildProcess } from 'node:child_process';
import type { DurableStoreOptions } from 'agai-session';
import type { ExecutionContext } from 'ava';
import { endOf, type End } from './child.js';
import { fixturePath } from './fixture.js';

/** An event of the disk that `__test__/fixtures/durable-server.mjs` sends. */
export interface DiskEvent {
  readonly event: 'degraded' | 'healed' | 'checkpoint';
  readonly code?: string;
}

/** Whether the newest of these events says that the disk has everything again. A checkpoint that was requested before may follow it. */
export function hasHealed(events: readonly DiskEvent[]): boolean {
  return events.findLast(({ event }) => event !== 'checkpoint')?.event === 'healed';
}

export class ServerChild {
  readonly events: DiskEvent[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<End>;
  #origin = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = endOf(child);
  }

  /** Starts a server, which is killed after the test at the latest. */
  static async start(t: ExecutionContext, options: DurableStoreOptions): Promise<ServerChild> {
    const child = fork(fixturePath('durable-server.mjs'), [JSON.stringify(options)], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const server = new ServerChild(child);
    t.teardown(() => server.kill());
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    server.#origin = await new Promise<string>((resolve, reject) => {
      child.once('close', () => reject(new Error(`the server ended: ${errors}`)));
      child.on('message', (message: { port: number } | DiskEvent) => {
        if ('port' in message) resolve(`http://127.0.0.1:${message.port}`);
        else server.events.push(message);
      });
    });
    return server;
  }

  get origin(): string {
    return this.#origin;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Kills the process with SIGKILL. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
