/** The properties of data objects, which are an application's: anything may be in them. */
import { cannotStore } from '../backend/json.js';

export type Keyed = Record<string, unknown>;

/** Whether JSON has an object's own properties, and nothing else, as its members. */
export function isPlain(value: object): boolean {
  try {
    const prototype: unknown = Object.getPrototypeOf(value);
    return (
      (prototype === Object.prototype || prototype === null) &&
      typeof (value as { toJSON?: unknown }).toJSON !== 'function'
    );
  } catch {
    return false;
  }
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

export function isEnumerable(value: object, key: string): boolean {
  return Object.prototype.propertyIsEnumerable.call(value, key);
}

export function own(value: object, key: string): unknown {
  return Object.hasOwn(value, key) ? (value as Keyed)[key] : undefined;
}

/** A property's value. @throws SessionError `ERR_SESSION_DATA` if its getter throws. */
export function valueOf(value: Keyed, key: string): unknown {
  try {
    return value[key];
  } catch (error) {
    throw cannotStore(error);
  }
}

/**
 * Sets a property, or removes it; false if the object does not allow that. Not by an assignment: a key named __proto__ must become an
 * ordinary property.
 */
export function put(value: Keyed, key: string, item: unknown): boolean {
  return item === undefined
    ? Reflect.deleteProperty(value, key)
    : Reflect.defineProperty(value, key, { value: item, writable: true, enumerable: true, configurable: true });
}
