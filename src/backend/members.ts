/** The members of session data as JSON text: each top-level key with its value, found without parsing the rest. */
import { keyPlaces } from '../native.js';
import { EMPTY, parseData, stringifyData } from './json.js';

/** Changed keys, each with the JSON text of its new value, or `null` if the key is removed. No key occurs twice. */
export type KeyChanges = readonly (readonly [key: string, text: string | null])[];

/** How many keys have their form in texts kept, and how long these are at most. */
const MAX_NAMES = 1_000;
const MAX_NAME = 100;
const names = new Map<string, string>();

/** A key as it stands in JSON text: quoted, with its colon. */
export function nameOf(key: string): string {
  let name = names.get(key);
  if (name === undefined) {
    name = `${JSON.stringify(key)}:`;
    if (names.size >= MAX_NAMES) names.clear();
    // A copy of the key: it may be a part of a long text, which would stay in memory with it.
    if (name.length <= MAX_NAME) names.set(JSON.parse(name.slice(0, -1)) as string, name);
  }
  return name;
}

/**
 * The text of a JSON object as `JSON.stringify` writes it, with the lengths of its members: `"key":value` each, without the comma. The
 * lengths are a string of units with seven bits each, the low ones first; the eighth says that more follow. The addon makes them when the
 * text is written, so that a key is found by a search for its name and a walk over the lengths.
 */
export class Members {
  static readonly EMPTY: Members = new Members(EMPTY, '');

  readonly text: string;
  readonly #places: string;
  /** Where the member begins and ends that `#find` found last. */
  #begin = 0;
  #end = 0;
  #lookups = 0;
  /** Where each member begins and ends, by its name; made once there have been many lookups. */
  #all: ReadonlyMap<string, readonly [begin: number, end: number]> | undefined;

  private constructor(text: string, places: string) {
    this.text = text;
    this.#places = places;
  }

  /** `places` are those of `text`, if they are known. Another text is brought to the form that `JSON.stringify` writes. */
  static of(text: string, places: string | undefined): Members {
    if (text === EMPTY) return Members.EMPTY;
    if (places !== undefined) return new Members(text, places);
    const known = keyPlaces(text);
    if (known !== null) return new Members(text, known);
    // White space, or a key twice, of which the last one counts.
    const other = stringifyData(parseData(text));
    return new Members(other, keyPlaces(other)!);
  }

  has(key: string): boolean {
    return this.#find(nameOf(key));
  }

  /** The text of a key's value; `undefined` if there is no such key. */
  valueOf(key: string): string | undefined {
    const name = nameOf(key);
    return this.#find(name) ? this.text.slice(this.#begin + name.length, this.#end) : undefined;
  }

  /** The keys, in the order of the text. */
  keys(): string[] {
    // Copies, not parts of the text, which would stay in memory with them.
    return Array.from(this.#members(), ([name]) => JSON.parse(name.slice(0, -1)) as string);
  }

  /** All members: the name of each, and where it begins and ends. */
  *#members(): Generator<[name: string, begin: number, end: number], void, undefined> {
    let at = 1;
    for (const length of lengths(this.#places)) {
      yield [nameAt(this.text, at), at, at + length];
      at += length + 1;
    }
  }

  /** Finds a member by a walk over the lengths. */
  #find(name: string): boolean {
    this.#lookups += 1;
    if (this.#lookups > MANY) return this.#findAmongAll(name);
    const { text } = this;
    const places = this.#places;
    // Most members differ in the first letter or in where the colon is.
    const first = name.charCodeAt(1);
    const colon = name.length - 1;
    let at = 1;
    for (let n = 0; n < places.length;) {
      let unit = places.charCodeAt(n++);
      let length = unit & 127;
      for (let factor = 128; unit > 127; factor *= 128) {
        unit = places.charCodeAt(n++);
        length += (unit & 127) * factor;
      }
      if (text.charCodeAt(at + 1) === first && text.charCodeAt(at + colon) === COLON && text.startsWith(name, at)) {
        this.#begin = at;
        this.#end = at + length;
        return true;
      }
      at += length + 1;
    }
    return false;
  }

  #findAmongAll(name: string): boolean {
    this.#all ??= new Map(Array.from(this.#members(), ([name, begin, end]) => [name, [begin, end]]));
    const place = this.#all.get(name);
    if (place === undefined) return false;
    [this.#begin, this.#end] = place;
    return true;
  }
}

const COLON = 58;
/** After so many lookups in one text, the places of all its members are noted. */
const MANY = 16;

function* lengths(places: string): Generator<number, void, undefined> {
  for (let n = 0; n < places.length;) {
    let unit = places.charCodeAt(n++);
    let length = unit & 127;
    for (let factor = 128; unit > 127; factor *= 128) {
      unit = places.charCodeAt(n++);
      length += (unit & 127) * factor;
    }
    yield length;
  }
}

/** The name of the member that begins at an index: its key as it stands there, with its colon. */
function nameAt(text: string, at: number): string {
  let end = text.indexOf('"', at + 1);
  // The quotation mark that ends the key has an even number of backslashes before it.
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return text.slice(at, end + 2);
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}

/** The text of an object with these members; a key that is removed is left out. */
export function textOf(changes: KeyChanges): string {
  let text = '{';
  for (const pair of changes) {
    if (pair[1] === null) continue;
    if (text.length > 1) text += ',';
    text += nameOf(pair[0]) + pair[1];
  }
  return `${text}}`;
}

/** The text of an object that has the removed keys of some changes; `undefined` if there are none. */
export function removedOf(changes: KeyChanges): string | undefined {
  let text = '{';
  for (const pair of changes) {
    if (pair[1] !== null) continue;
    if (text.length > 1) text += ',';
    text += `${nameOf(pair[0])}0`;
  }
  return text.length > 1 ? `${text}}` : undefined;
}
