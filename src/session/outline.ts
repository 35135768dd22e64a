/**
 * The outline of a parsed JSON value: all its objects, keys and values, in order. Comparing a value with its outline shows whether it was
 * changed, in less than half of the time that `JSON.stringify` and a comparison of texts take (docs/internals/laboratory.md).
 */

import { isObject } from './properties.js';

/** The maximum nesting that is followed, so that the recursion cannot overflow the stack. */
const MAX_DEPTH = 100;
/** Marks the end of an object or array; no JSON value is a symbol. */
const END = Symbol('end');

/**
 * For each object: the object itself, then each key followed by its value (or the outline of its value), then `END`. The same for an
 * array, without keys.
 */
export type Outline = readonly unknown[];

/** The outline of a value that `JSON.parse` returned; `undefined` if it is nested too deeply. */
export function outlineOf(value: object): Outline | undefined {
  const outline: unknown[] = [];
  return add(value, outline, MAX_DEPTH) ? outline : undefined;
}

/** Whether a value still consists of the same objects, with the same keys in the same order and the same values. */
export function hasOutline(value: object, outline: Outline): boolean {
  try {
    return follow(value, outline, 0) > 0;
  } catch {
    // A getter of the handler's threw. `JSON.stringify` will call it again, and its error is reported then.
    return false;
  }
}

function add(value: object, outline: unknown[], depth: number): boolean {
  if (depth === 0) return false;
  outline.push(value);
  if (Array.isArray(value)) {
    for (const item of value as unknown[]) {
      if (!isObject(item)) outline.push(item);
      else if (!add(item, outline, depth - 1)) return false;
    }
  } else {
    // `for in` is fast. It would also visit inherited keys, but those are the same at each comparison.
    for (const key in value) {
      const item = (value as Record<string, unknown>)[key];
      outline.push(key);
      if (!isObject(item)) outline.push(item);
      else if (!add(item, outline, depth - 1)) return false;
    }
  }
  outline.push(END);
  return true;
}

/** Compares a value with the outline from index `at` on; returns the index after its part, or -1 if it differs. */
function follow(value: object, outline: Outline, at: number): number {
  let next = at;
  if (outline[next++] !== value) return -1;
  if (Array.isArray(value)) {
    for (const item of value as unknown[]) {
      if (isObject(item)) next = follow(item, outline, next);
      else if (outline[next++] !== item) return -1;
      if (next < 0) return -1;
    }
  } else {
    for (const key in value) {
      if (outline[next++] !== key) return -1;
      const item = (value as Record<string, unknown>)[key];
      if (isObject(item)) next = follow(item, outline, next);
      else if (outline[next++] !== item) return -1;
      if (next < 0) return -1;
    }
  }
  return outline[next++] === END ? next : -1;
}
