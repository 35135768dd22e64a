// Session data and ids as the measurements use them.
import { randomBytes } from 'node:crypto';

/** Names as shops have them, in ASCII and with letters beyond latin1. */
const letters = { ascii: 'abcdefghijklmnopqrstuvwxyz ', other: 'łódź żółć 東京 ñandú čaj ' };

/**
 * Data whose JSON text takes `bytes` bytes of UTF-8, or a few less: a number that changes and a cart of small objects, as sessions have
 * them, rather than one long string, which `JSON.parse` would skim.
 */
export function dataOf(bytes, kind = 'ascii') {
  const data = { visits: 0, cart: [], note: '' };
  const size = () => Buffer.byteLength(JSON.stringify(data));
  while (size() + 60 < bytes) {
    data.cart.push({
      sku: `item-${data.cart.length}`,
      count: 1 + (data.cart.length % 5),
      title: letters[kind].slice(0, 12),
    });
  }
  for (let n = 0; size() < bytes; n += 1) {
    data.note += letters[kind][n % letters[kind].length];
    if (size() > bytes) data.note = data.note.slice(0, -1) + '.';
  }
  return data;
}

const ID_LENGTH = 43;

/**
 * Ids in one buffer. A cookie's id is a string that the engine has not seen before: `take` makes such ones, with no hash computed and
 * equal to nothing it has interned.
 */
export class Ids {
  #bytes;
  #count = 0;

  constructor(capacity) {
    this.#bytes = Buffer.allocUnsafeSlow(capacity * ID_LENGTH);
  }

  get count() {
    return this.#count;
  }

  add(id) {
    this.#bytes.latin1Write(id, this.#count * ID_LENGTH);
    this.#count += 1;
  }

  at(n) {
    return this.#bytes.latin1Slice(n * ID_LENGTH, (n + 1) * ID_LENGTH);
  }

  /** So many ids, chosen at random. */
  take(count) {
    return Array.from({ length: count }, () => this.at(Math.floor(Math.random() * this.#count)));
  }
}

/** A new id of 256 random bits, for the stores that leave that to their users. */
export const newId = () => randomBytes(32).toString('base64url');
