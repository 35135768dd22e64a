/**
 * Keeps a connection open while a response waits for a commit.
 *
 * Without a wait, what a handler has sent is on its way when it destroys the request or the socket, or when Express does so because the
 * handler threw after it had sent. With a wait, the client gets the same only if the destruction waits too.
 */
import type { Response } from './head.js';

type Method = (...args: unknown[]) => unknown;
type Methods = Record<string, Method | undefined>;

/** What waits for the responses of one object: itself, or those of its connection. */
const holds = new WeakMap<object, Hold>();

/** Makes calls that end the response or its connection wait. Returns a function that makes those calls, once no other response waits. */
export function holdOpen(res: Response): () => void {
  // HTTP/2 has a stream for each response; its `socket` is a stand-in that refuses to be changed.
  const { stream } = res as { stream?: object };
  const below = stream ?? res.req?.socket ?? res.socket;
  const ends = [hold(res, ['destroy'])];
  if (below) ends.push(hold(below, ['destroy', 'destroySoon', 'end']));
  return () => {
    for (const end of ends) end();
  };
}

function hold(object: object, names: readonly string[]): () => void {
  let held = holds.get(object);
  if (held === undefined) {
    held = new Hold(object, names);
    holds.set(object, held);
  }
  held.waiting += 1;
  return () => {
    held.waiting -= 1;
    if (held.waiting > 0) return;
    holds.delete(object);
    held.end();
  };
}

/** Methods of one object whose calls wait. */
class Hold {
  /** How many responses wait. */
  waiting = 0;
  readonly #object: Methods;
  readonly #asked: (() => unknown)[] = [];
  readonly #restores: (() => void)[];

  constructor(object: object, names: readonly string[]) {
    this.#object = object as Methods;
    this.#restores = names
      .filter((name) => typeof this.#object[name] === 'function')
      .map((name) => this.#replace(name));
  }

  /** Replaces a method by one that waits. Returns a function that undoes it. */
  #replace(name: string): () => void {
    const object = this.#object;
    const before = Object.getOwnPropertyDescriptor(object, name);
    const method = object[name]!;
    const waits = (...args: unknown[]): unknown => {
      if (this.waiting === 0) return method.apply(object, args);
      this.#asked.push(() => object[name]!(...args));
      return object;
    };
    Object.defineProperty(object, name, { value: waits, writable: true, enumerable: false, configurable: true });
    return () => {
      // Somebody else may have replaced it since, and calls this one.
      if (object[name] !== waits) return;
      if (before) Object.defineProperty(object, name, before);
      else Reflect.deleteProperty(object, name);
    };
  }

  /** Makes the methods as they were, and the calls that waited. */
  end(): void {
    for (const restore of this.#restores) restore();
    for (const call of this.#asked) call();
  }
}
