/** The three-way merge of session data, by top-level key. */

type Keyed = Record<string, unknown>;

/**
 * Merges `theirs` into `ours`, in place, so that references to `ours` stay valid. A key that is unchanged in `ours` since `base` gets
 * their value, or is deleted if they deleted it; a key that was changed, added or deleted in `ours` stays as it is there.
 */
export function mergeInto(ours: object, base: object, theirs: object): void {
  for (const key of new Set([...Object.keys(base), ...Object.keys(theirs)])) {
    if (!sameValue(ours, base, key)) continue;
    if (Object.hasOwn(theirs, key)) {
      // Not an assignment: a key named __proto__ must become an ordinary property.
      Object.defineProperty(ours, key, {
        value: (theirs as Keyed)[key],
        writable: true,
        enumerable: true,
        configurable: true,
      });
    } else {
      delete (ours as Keyed)[key];
    }
  }
}

/** Whether a key is missing from both, or has the same JSON text in both. */
function sameValue(a: object, b: object, key: string): boolean {
  return own(a, key) === own(b, key);
}

function own(data: object, key: string): string | undefined {
  return Object.hasOwn(data, key) ? JSON.stringify((data as Keyed)[key]) : undefined;
}
