/**
 * Values attached to requests and responses, without the cost that a property has on those of Express.
 *
 * Remove this file when support for Node.js 22 ends (its end of life is in April 2027). From Node.js 24 on the cost described below does
 * not exist, and an ordinary property with a symbol as its name does the same.
 *
 * Express changes the prototype of each request and response. Before Node.js 24, V8 then creates a new hidden class for the object at
 * every property that is added to it, which takes two microseconds and a kilobyte each time, and half a microsecond at every read of a
 * property. A WeakMap is no way out: a value that refers to its own key survives many collections of the young generation, and the
 * request with it. Elements (properties whose names are small integers) are not part of hidden classes: adding one takes 0.3
 * microseconds, reading it 0.02. So values are attached to such objects as elements, and their other properties are read as rarely as
 * possible (docs/internals/laboratory.md).
 */
import { IncomingMessage, ServerResponse } from 'node:http';
import { slotOf, type Slot } from './shared.js';

/** Read once, because `isPlain` is called several times for each request. */
const REQUEST: object = IncomingMessage.prototype;
const RESPONSE: object = ServerResponse.prototype;

/**
 * Whether an object still has Node's own prototype. Then it shares its hidden class with others of its kind, and its properties cost next
 * to nothing. Properties of other objects are better read with `Reflect.get`: the inline cache of a property access would learn each
 * hidden class that it meets, in vain if all of them differ.
 */
export function isPlain(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  return prototype === REQUEST || prototype === RESPONSE;
}

/** Reads and writes one property by a name in source code, so that V8 caches where it is. */
export interface PlainProperty<T extends object> {
  get(held: object): T | undefined;
  set(held: object, value: T): void;
}

/** One value for each object: a property of a plain object, an element of any other. All copies of this package see the same values. */
export class Attachment<T extends object> {
  readonly #name: string;
  readonly #property: PlainProperty<T>;
  #slot: Slot | undefined;

  /** `name` and the symbol of `property` have the version of what is attached, for all copies of this package read it. */
  constructor(name: string, property: PlainProperty<T>) {
    this.#name = name;
    this.#property = property;
  }

  get(object: object): T | undefined {
    const slot = (this.#slot ??= slotOf(this.#name));
    const elements = object as Record<number, T | undefined>;
    if (isPlain(object)) return this.#property.get(object) ?? (slot.isInElements ? elements[slot.element] : undefined);
    return elements[slot.element] ?? (slot.isInProperties ? this.#property.get(object) : undefined);
  }

  set(object: object, value: T): void {
    const slot = (this.#slot ??= slotOf(this.#name));
    if (isPlain(object)) {
      slot.isInProperties = true;
      this.#property.set(object, value);
    } else {
      slot.isInElements = true;
      (object as Record<number, T>)[slot.element] = value;
    }
  }
}
