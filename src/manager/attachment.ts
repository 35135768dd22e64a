/**
 * Requests and responses as frameworks hand them over, and what is kept with them.
 *
 * Express gives each of them another prototype. Before Node.js 24, V8 then makes a hidden class of its own for such an object at every
 * property that it is given: two microseconds and a kilobyte each time, and every look at one of its properties takes half a
 * microsecond. In a weak map, what refers to its own key outlives many collections of young garbage, and the request with it. Elements
 * (properties whose names are small numbers) have no part in hidden classes: setting one takes 0.3 microseconds, reading it 0.02. So
 * what is kept with such an object is an element, and other properties are looked at as seldom as can be (docs/performance.md).
 */
import { IncomingMessage, ServerResponse } from 'node:http';

/** Numbers in use by all copies of this package in the process. */
const kNumbers = Symbol.for('agai-session.attachments');
const numbers = ((globalThis as { [kNumbers]?: { next: number } })[kNumbers] ??= { next: 0 });

/** Looked up once, as this is asked several times for each request. */
const REQUEST: object = IncomingMessage.prototype;
const RESPONSE: object = ServerResponse.prototype;

/** Whether it is as Node made it, so that it is like all others, and its properties cost next to nothing. */
function isPlain(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  return prototype === REQUEST || prototype === RESPONSE;
}

/** A property's value. By a name in source code, V8 first learns of each hidden class that it meets, which is vain where all differ. */
export function look<T extends object, Name extends keyof T>(object: T, name: Name): T[Name] {
  return isPlain(object) ? object[name] : (Reflect.get(object, name) as T[Name]);
}

/** One thing for each object: a property of a plain one, an element of any other. */
export class Attachment<T extends object> {
  readonly #symbol = Symbol('agai-session');
  readonly #number = numbers.next++;
  /** Whether any was plain when it was given its property: a framework may give it another prototype afterwards. */
  #isInProperties = false;
  #isInElements = false;

  get(object: object): T | undefined {
    const held = object as Record<symbol | number, T | undefined>;
    if (isPlain(object)) return held[this.#symbol] ?? (this.#isInElements ? held[this.#number] : undefined);
    return held[this.#number] ?? (this.#isInProperties ? held[this.#symbol] : undefined);
  }

  set(object: object, value: T): void {
    const held = object as Record<symbol | number, T>;
    if (isPlain(object)) {
      this.#isInProperties = true;
      held[this.#symbol] = value;
    } else {
      this.#isInElements = true;
      held[this.#number] = value;
    }
  }
}
