/**
 * What all copies of this package in one process share: a process may load the package several times, as with duplicates in `node_modules`
 * or test runners that load every module anew.
 *
 * It is kept on the prototype of Node's responses, which all copies have in common, even those that run in contexts (`node:vm`) of their
 * own with another `globalThis`. Its name has a version: copies that share something else are not affected by this one.
 */
import { ServerResponse } from 'node:http';

const kShared = Symbol.for('agai-session.shared@1');
type Sharing = { [kShared]?: Shared };

/** Where the values of one kind are attached to objects: see attachment.ts. */
export interface Slot {
  /** The element of objects that are not plain. */
  readonly element: number;
  /** True once any object was given the property; a framework may have changed its prototype since. */
  isInProperties: boolean;
  isInElements: boolean;
}

interface Shared {
  /** By name. Requests and responses have values of different kinds, so each has a number of its own. */
  readonly slots: Map<string, Slot>;
}

/** The slot of this name. Defines the property on the prototype at the first call, so it is not called while the package is loaded. */
export function slotOf(name: string): Slot {
  const { slots } = sharedState();
  let slot = slots.get(name);
  if (slot === undefined) {
    slot = { element: slots.size, isInProperties: false, isInElements: false };
    slots.set(name, slot);
  }
  return slot;
}

function sharedState(): Shared {
  const prototype = ServerResponse.prototype as Sharing;
  const existing = prototype[kShared];
  if (existing) return existing;
  const shared: Shared = { slots: new Map() };
  Object.defineProperty(prototype, kShared, { value: shared });
  return shared;
}
