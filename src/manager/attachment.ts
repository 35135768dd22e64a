/**
 * Requests and responses as frameworks hand them over, and what is kept with them.
 *
 * Express gives each of them another prototype. Before Node.js 24, V8 then makes a hidden class of its own for such an object at every
 * property that it is given: two microseconds and a kilobyte each time, and every look at one of its properties takes half a
 * microsecond. In a weak map, what refers to its own key outlives many collections of young garbage, and the request with it. Elements
 * (properties whose names are small numbers) have no part in hidden classes: setting one takes 0.3 microseconds, reading it 0.02. So
 * what is kept is an element, and other properties are looked at as seldom as can be (docs/performance.md).
 */
import { IncomingMessage, ServerResponse } from 'node:http';

/** Numbers in use by all copies of this package in the process. */
const kNumbers = Symbol.for('agai-session.attachments');
const numbers = ((globalThis as { [kNumbers]?: { next: number } })[kNumbers] ??= { next: 0 });

/** One thing for each object, which is kept as an element of it. */
export class Attachment<T extends object> {
  readonly #number = numbers.next++;

  get(object: object): T | undefined {
    return (object as Record<number, T | undefined>)[this.#number];
  }

  set(object: object, value: T): void {
    (object as Record<number, T>)[this.#number] = value;
  }
}

/** A property's value. By a name in source code, V8 first learns of each hidden class that it meets, which is vain where all differ. */
export function look<T extends object, Name extends keyof T>(object: T, name: Name): T[Name] {
  const prototype: unknown = Object.getPrototypeOf(object);
  const isAsNodeMadeIt = prototype === ServerResponse.prototype || prototype === IncomingMessage.prototype;
  return isAsNodeMadeIt ? object[name] : (Reflect.get(object, name) as T[Name]);
}
