/** A store on disk in a process of its own, which can be killed, limited, or run as another user. */
import { fork, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { SessionError, type DurableStoreOptions, type SessionErrorCode } from 'agai-session';
import type { ExecutionContext } from 'ava';
import { endOf, type End } from './child.js';
import { fixturePath } from './fixture.js';
import type { DiskEvent } from './server-child.js';
import { until } from './until.js';

interface Failure {
  readonly code: SessionErrorCode;
  readonly message: string;
}

type Message =
  | { readonly opened: boolean; readonly error?: Failure }
  | { readonly call: number; readonly value?: unknown; readonly error?: Failure }
  | DiskEvent;

/** The parts of a session's record that are sent to the parent. */
export interface Made {
  readonly id: string;
  readonly data: Record<string, unknown>;
}

export class StoreChild {
  readonly events: DiskEvent[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<End>;
  readonly #calls = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  #count = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = endOf(child);
  }

  /** Starts a process that opens a store; rejects with the opening's error. The process is killed after the test at the latest. */
  static async open(t: ExecutionContext, options: DurableStoreOptions & { uid?: number }): Promise<StoreChild> {
    const child = fork(fixturePath('store-child.mjs'), [JSON.stringify(options)], { execArgv: [] });
    const store = new StoreChild(child);
    t.teardown(() => store.kill());
    await new Promise<void>((resolve, reject) => {
      child.once('close', (code, signal) => {
        const error = new Error(`the store's process ended with ${code ?? signal}`);
        reject(error);
        for (const call of store.#calls.values()) call.reject(error);
      });
      child.on('message', (message: Message) => {
        if ('event' in message) store.events.push(message);
        else if ('call' in message) store.#answer(message);
        else if (message.opened) resolve();
        else reject(errorOf(message.error!));
      });
    });
    return store;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Calls a method of the store, or reads a property. */
  call<T>(method: string, ...args: unknown[]): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#count += 1;
      this.#calls.set(this.#count, { resolve, reject });
      this.#child.send({ call: this.#count, method, args });
    });
  }

  create(data: object): Promise<Made> {
    return this.call<Made>('create', data);
  }

  destroy(id: string): Promise<boolean> {
    return this.call<boolean>('destroy', id);
  }

  /** Sets the maximum size of its files from now on, in bytes. */
  limitFiles(size: number | 'unlimited'): Promise<void> {
    return this.call<void>('limitFiles', size);
  }

  /** Stops the process with SIGSTOP. Where the system tells, this resolves once it has stopped. */
  async stop(): Promise<void> {
    this.#child.kill('SIGSTOP');
    if (process.platform !== 'linux') return;
    // After the name in parentheses comes the state; T is stopped.
    const isStopped = (): boolean => readFileSync(`/proc/${this.pid}/stat`, 'utf8').split(') ').at(-1)!.startsWith('T');
    await until(isStopped, `process ${this.pid} has stopped`);
  }

  /** Kills the process with SIGKILL. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  #answer({ call, value, error }: { readonly call: number; readonly value?: unknown; readonly error?: Failure }): void {
    const { resolve, reject } = this.#calls.get(call)!;
    this.#calls.delete(call);
    if (error) reject(errorOf(error));
    else resolve(value as never);
  }
}

function errorOf({ code, message }: Failure): SessionError {
  return new SessionError(code, message);
}
