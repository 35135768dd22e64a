// Session data and ids as the measurements use them.
import { randomBytes } from 'node:crypto';

/** Product names in ASCII and with letters outside latin1. */
const letters = { ascii: 'abcdefghijklmnopqrstuvwxyz ', other: 'łódź żółć 東京 ñandú čaj ' };

/**
 * Session data whose JSON text has `bytes` bytes in UTF-8, or a few less: a number that changes and a cart of small objects, as in real
 * sessions. One long string would be parsed much faster.
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
 * Ids in one buffer. The id in a cookie is a string that the engine has not seen before: `take` makes such strings, without a computed hash
 * and not interned.
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

  /** Returns so many ids, chosen at random. */
  take(count) {
    return Array.from({ length: count }, () => this.at(Math.floor(Math.random() * this.#count)));
  }
}

/** Makes an id of 256 random bits, for stores that do not make their own. */
export const newId = () => randomBytes(32).toString('base64url');
