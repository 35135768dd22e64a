/** Three-way merge of session data, per top-level key. */

type Keyed = Record<string, unknown>;

/**
 * Brings what others stored meanwhile into `ours`, in place, so that references to it stay good: a key that we did not change
 * since `base` takes their value or goes as theirs went; one that we changed, added or deleted keeps what we did.
 */
export function mergeInto(ours: object, base: object, theirs: object): void {
  for (const key of new Set([...Object.keys(base), ...Object.keys(theirs)])) {
    if (!sameValue(ours, base, key)) continue;
    if (Object.hasOwn(theirs, key)) {
      // Not an assignment: a key named __proto__ is data like any other.
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

/** Whether a key is missing from both, or JSON holds the same for it in both. */
function sameValue(a: object, b: object, key: string): boolean {
  return own(a, key) === own(b, key);
}

function own(data: object, key: string): string | undefined {
  return Object.hasOwn(data, key) ? JSON.stringify((data as Keyed)[key]) : undefined;
}
