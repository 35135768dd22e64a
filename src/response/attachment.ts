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

/**
 * Whether it is as Node made it, so that it is like all others, and its properties cost next to nothing. Those of any other are better asked
 * of `Reflect.get`: by a name in source code, V8 first learns of each hidden class that it meets, which is vain where all differ.
 */
export function isPlain(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  return prototype === REQUEST || prototype === RESPONSE;
}

/** One property of plain objects, by a name in source code: V8 then knows where it is. */
export interface PlainProperty<T extends object> {
  get(held: object): T | undefined;
  set(held: object, value: T): void;
}

/** One thing for each object: a property of a plain one, an element of any other. */
export class Attachment<T extends object> {
  readonly #property: PlainProperty<T>;
  readonly #number = numbers.next++;
  /** Whether any was plain when it was given its property: a framework may give it another prototype afterwards. */
  #isInProperties = false;
  #isInElements = false;

  constructor(property: PlainProperty<T>) {
    this.#property = property;
  }

  get(object: object): T | undefined {
    const elements = object as Record<number, T | undefined>;
    if (isPlain(object)) return this.#property.get(object) ?? (this.#isInElements ? elements[this.#number] : undefined);
    return elements[this.#number] ?? (this.#isInProperties ? this.#property.get(object) : undefined);
  }

  set(object: object, value: T): void {
    if (isPlain(object)) {
      this.#isInProperties = true;
      this.#property.set(object, value);
    } else {
      this.#isInElements = true;
      (object as Record<number, T>)[this.#number] = value;
    }
  }
}
