/** The stores of this process that are open, to warn of a program that opens one for each request. */
import type { NativeStore } from '../native.js';

/** More open stores than this are taken for a mistake. */
const MAX_STORES = 16;

let stores: WeakRef<NativeStore>[] | undefined = [];

/** Notes that a store was opened. Warns once if too many are open at a time. */
export function noteStore(store: NativeStore): void {
  if (stores === undefined) return;
  stores.push(new WeakRef(store));
  if (stores.length <= MAX_STORES) return;
  stores = stores.filter((ref) => isOpen(ref.deref()));
  if (stores.length <= MAX_STORES) return;
  process.emitWarning(
    `${stores.length} session stores are open in this process. Each has memory and a thread of its own, so a middleware or a store ` +
      'is made once, when the program starts, and never in a handler: const sessions = session(options); app.use(sessions)',
    { type: 'SessionWarning', code: 'SESSION_MANY_STORES' },
  );
  stores = undefined;
}

function isOpen(store: NativeStore | undefined): boolean {
  try {
    // A closed store throws.
    return store?.stats() !== undefined;
  } catch {
    return false;
  }
}
