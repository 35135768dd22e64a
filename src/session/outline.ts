/**
 * What a parsed JSON value was made of, so that it can be seen later whether anybody changed it. That takes less than half of the time of
 * writing the value down again to compare its text (docs/performance.md).
 */

/** Levels that are followed: recursion must not find its end in the stack's. */
const MAX_DEPTH = 100;
/** Behind the last property or item; nothing that JSON holds is a symbol. */
const END = Symbol('end');

/**
 * In the order of a walk: each object itself, then its keys, each with its value or with what that one is made of. An array has no keys.
 */
export type Outline = readonly unknown[];

/** The outline of a value of `JSON.parse`; `undefined` for one that is nested too deeply. */
export function outlineOf(value: object): Outline | undefined {
  const outline: unknown[] = [];
  return add(value, outline, MAX_DEPTH) ? outline : undefined;
}

/** Whether it is made of the same objects with the same keys, in the same order, and the same values. */
export function hasOutline(value: object, outline: Outline): boolean {
  try {
    return follow(value, outline, 0) > 0;
  } catch {
    // A getter of its user's that throws. It does so again when the value is written down, and is told of then.
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
    // With `for in`, which engines are fast at: there is nothing to inherit, or else the same each time.
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

/** The place behind the value's own, which begins at `at`; -1 if it is another. */
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

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
