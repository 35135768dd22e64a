/**
 * The data of one session during one request: what is stored, and what the handler reads and changes, key by key or as a whole. A key is
 * parsed when it is looked at, and written if its JSON text is another than before.
 */
import { parseData, stringifyData } from '../backend/json.js';
import { Members, type KeyChanges } from '../backend/members.js';
import { parseValue, textToStore, valueText } from '../backend/value-text.js';
import type { DataSchema } from './data-schema.js';
import { hasOutline, outlineOf, type Outline } from './outline.js';
import { isEnumerable, isObject, isPlain, own, put, valueOf, type Keyed } from './properties.js';

/** A key that was looked at or set by itself. */
interface Held {
  /** `undefined` if the key was removed. */
  readonly value: unknown;
  /** Of an object that was parsed; `undefined` if texts must be compared. */
  readonly outline: Outline | undefined;
}

/** The whole as it was parsed, to see what changed: each key, its value, and the outline of a value that is an object. */
interface Parsed {
  readonly keys: readonly string[];
  readonly values: unknown[];
  readonly outlines: readonly (Outline | undefined)[];
}

/** In place of a value in `Parsed` whose text must be compared. No value of data is a symbol. */
const UNKNOWN = Symbol('unknown');

export class KeptData<Data extends object> {
  readonly #schema: DataSchema | undefined;
  /** As read. */
  #members: Members;
  /** What was written since. */
  #written: Map<string, string | null> | undefined;
  /** Until somebody looks at the whole. */
  #held: Map<string, Held> | undefined;
  #whole: Data | undefined;
  /** What the whole was made of, if it was parsed without a schema. */
  #parsed: Parsed | undefined;
  /** With a schema: the texts of the values as it returned them. Its defaults alone are not a change. */
  #readTexts: Map<string, string | undefined> | undefined;
  /** True if the schema refused what is stored: the next change replaces all of it. */
  #isInvalid = false;
  /** True if another user's data was dropped: what is stored meanwhile must not be mixed with the new data. */
  #isCleared = false;

  constructor(members: Members, schema: DataSchema | undefined) {
    this.#members = members;
    this.#schema = schema;
  }

  /** The whole. Values that were handed out before are the same objects in it. */
  get value(): Data {
    return this.#whole ?? this.#makeWhole();
  }

  set value(value: Data) {
    this.#whole = value;
    this.#held = undefined;
  }

  get(key: string): unknown {
    if (this.#isWhole) return own(this.#keyed, key);
    const held = this.#held?.get(key);
    if (held !== undefined) return held.value;
    const text = this.#stored(key);
    if (text === undefined) return undefined;
    const value = parseValue(text);
    // Nobody can change a primitive value that was handed out.
    if (isObject(value)) this.#hold(key, { value, outline: outlineOf(value) });
    return value;
  }

  set(key: string, value: unknown): void {
    // An object may still change before it is written.
    if (!isObject(value)) textToStore(key, value);
    if (!this.#isWhole) {
      this.#hold(key, { value, outline: undefined });
      return;
    }
    const whole = this.#keyed;
    if (put(whole as Keyed, key, value)) return;
    // Frozen: a copy takes its place, as it would in the handler.
    const copy = { ...whole } as Keyed;
    put(copy, key, value);
    this.#whole = copy as Data;
  }

  has(key: string): boolean {
    if (this.#isWhole) return own(asJson(this.value), key) !== undefined;
    const held = this.#held?.get(key);
    if (held !== undefined) return held.value !== undefined;
    const written = this.#written?.get(key);
    if (written !== undefined) return written !== null;
    return this.#members.has(key);
  }

  keys(): string[] {
    if (this.#isWhole) {
      const whole = asJson(this.value) as Keyed;
      return Object.keys(whole).filter((key) => whole[key] !== undefined);
    }
    const all = new Set(this.#members.keys());
    const note = (key: string, isThere: boolean): unknown => (isThere ? all.add(key) : all.delete(key));
    for (const [key, text] of this.#written ?? []) note(key, text !== null);
    for (const [key, { value }] of this.#held ?? []) note(key, value !== undefined);
    return [...all];
  }

  /**
   * The keys whose text is another than the stored one; `undefined` if there are none.
   * @throws SessionError `ERR_SESSION_DATA`.
   */
  get changes(): KeyChanges | undefined {
    return this.#whole === undefined ? this.#changesOfHeld() : this.#changesOfWhole(this.#whole);
  }

  /**
   * The whole as it is to be written, if it is: for any change with `isWhole`, and if what is stored must not be mixed with it.
   * @throws SessionError `ERR_SESSION_DATA`, also if the schema refuses what would be stored by these changes.
   */
  whole(changes: KeyChanges | undefined, isWhole: boolean): string | undefined {
    if (changes === undefined && !this.#isCleared) return undefined;
    const replaces = isWhole || this.#isInvalid || this.#isCleared;
    if (!replaces && this.#schema === undefined) return undefined;
    const text = stringifyData(this.value);
    this.#schema?.verify(parseData(text));
    return replaces ? text : undefined;
  }

  /** True if the schema refused what is stored, and something else was read in its place. */
  get isInvalid(): boolean {
    return this.#isInvalid;
  }

  /** The data of a new session in place of another user's. */
  static cleared<Data extends object>(schema: DataSchema | undefined): KeptData<Data> {
    const data = new KeptData<Data>(Members.EMPTY, schema);
    data.value = data.#read({});
    data.#isCleared = true;
    return data;
  }

  /** Becomes the data of a new session that has only these changes. */
  detach(changes: KeyChanges | undefined): void {
    this.#startFrom(Members.EMPTY);
    this.#isCleared = false;
    if (this.#whole !== undefined) this.#putUnder(this.#read({}), changes);
    const changed = new Map(changes);
    for (const [key, { value }] of this.#held ?? []) {
      if (changed.has(key)) this.#hold(key, { value, outline: undefined });
      else this.#held!.delete(key);
    }
  }

  /** Takes over what another request has stored, under the changes made here. @throws SessionError `ERR_SESSION_DATA`. */
  rebase(members: Members): void {
    const { changes } = this;
    this.#startFrom(members);
    const fresh = this.#read(parseData(members.text));
    this.#readTexts = textsOf(fresh);
    this.#putUnder(fresh, changes);
  }

  #startFrom(members: Members): void {
    this.#members = members;
    this.#written = undefined;
    this.#parsed = undefined;
    this.#readTexts = undefined;
    this.#isInvalid = false;
  }

  /** Replaces what was not changed by other data: in the handler's own object, if it can be changed. */
  #putUnder(fresh: object, changes: KeyChanges | undefined): void {
    const changed = new Map(changes);
    const whole = this.#whole as Keyed;
    if (isPlain(whole) && Object.isExtensible(whole)) {
      for (const key of new Set([...Object.keys(whole), ...Object.keys(fresh)])) {
        if (!changed.has(key)) put(whole, key, own(fresh, key));
      }
      return;
    }
    for (const [key, text] of changed) put(fresh as Keyed, key, text === null ? undefined : parseData(text));
    this.#whole = fresh as Data;
  }

  /** Notes changes that were written. What the handler changed meanwhile is written next time. */
  stored(changes: KeyChanges): void {
    this.#written ??= new Map();
    if (changes.length > FEW) this.#parsed = undefined;
    for (const [key, text] of changes) {
      this.#written.set(key, text);
      this.#readTexts?.set(key, text ?? undefined);
      const held = this.#held?.get(key);
      if (held?.outline) this.#hold(key, { value: held.value, outline: undefined });
      const at = this.#parsed?.keys.indexOf(key) ?? -1;
      if (at >= 0) this.#parsed!.values[at] = UNKNOWN;
    }
  }

  /** Notes that a text was written as the whole. */
  storedAll(text: string): void {
    this.#startFrom(Members.of(text, undefined));
    this.#isCleared = false;
  }

  /** True if keys are read from the whole: somebody looked at it, or a schema must see all of it. */
  get #isWhole(): boolean {
    return this.#whole !== undefined || this.#schema !== undefined;
  }

  /** The whole, whose properties are its keys: what has a `toJSON` is replaced by what that makes of it. */
  get #keyed(): Data {
    return (this.#whole = asJson(this.value));
  }

  /** The stored text of a key. */
  #stored(key: string): string | undefined {
    const written = this.#written?.get(key);
    return written === undefined ? this.#members.valueOf(key) : (written ?? undefined);
  }

  #hold(key: string, held: Held): void {
    (this.#held ??= new Map()).set(key, held);
  }

  #makeWhole(): Data {
    const raw = parseData<Keyed>(this.#members.text);
    if (this.#written)
      for (const [key, text] of this.#written) put(raw, key, text === null ? undefined : parseData(text));
    if (this.#schema) {
      const value = this.#read(raw);
      this.#readTexts = textsOf(value);
      return (this.#whole = value);
    }
    const parsed: Parsed = { keys: [], values: [], outlines: [] };
    const [keys, outlines] = [parsed.keys as string[], parsed.outlines as (Outline | undefined)[]];
    for (const key of Object.keys(raw)) {
      const value = raw[key];
      keys.push(key);
      parsed.values.push(value);
      outlines.push(isObject(value) ? outlineOf(value) : undefined);
    }
    const places = this.#held && placesOf(keys);
    for (const [key, { value, outline }] of this.#held ?? []) {
      put(raw, key, value);
      const at = places?.get(key);
      if (at === undefined) continue;
      parsed.values[at] = outline ? value : UNKNOWN;
      outlines[at] = outline;
    }
    this.#parsed = parsed;
    this.#held = undefined;
    return (this.#whole = raw as Data);
  }

  #read(raw: object): Data {
    if (this.#schema === undefined) return raw as Data;
    const { value, isReplaced } = this.#schema.read(raw);
    this.#isInvalid ||= isReplaced;
    return value as Data;
  }

  #changesOfHeld(): KeyChanges | undefined {
    if (this.#held === undefined) return undefined;
    let changes: [string, string | null][] | undefined;
    for (const [key, { value, outline }] of this.#held) {
      if (outline !== undefined && hasOutline(value as object, outline)) continue;
      const text = valueText(key, value);
      if (text !== this.#stored(key)) (changes ??= []).push([key, text ?? null]);
    }
    return changes;
  }

  #changesOfWhole(whole: object): KeyChanges | undefined {
    const isAsParsed = isPlain(whole);
    const value = (isAsParsed ? whole : parseData(stringifyData(whole))) as Keyed;
    const { keys, values, outlines } = (isAsParsed && this.#parsed) || NOTHING;
    let changes: [string, string | null][] | undefined;
    let next = 0;
    let places: ReadonlyMap<string, number> | undefined;
    for (const key of Object.keys(value)) {
      // Nearly always the keys are as they were, and no map is made.
      const at = keys[next] === key ? next : ((places ??= placesOf(keys)).get(key) ?? -1);
      if (at >= 0) next = at + 1;
      const now = valueOf(value, key);
      if (at >= 0 && now === values[at] && (!isObject(now) || isSame(now, outlines[at]))) continue;
      const text = valueText(key, now);
      if (text !== this.#before(key)) (changes ??= []).push([key, text ?? null]);
    }
    for (const key of this.#keysBefore()) {
      if (!isEnumerable(value, key) && this.#before(key) !== undefined) (changes ??= []).push([key, null]);
    }
    return changes;
  }

  /** The text that a key is compared with. */
  #before(key: string): string | undefined {
    return this.#readTexts ? this.#readTexts.get(key) : this.#stored(key);
  }

  #keysBefore(): Iterable<string> {
    if (this.#readTexts) return this.#readTexts.keys();
    const keys = this.#parsed?.keys ?? this.#members.keys();
    return this.#written ? new Set([...keys, ...this.#written.keys()]) : keys;
  }
}

/** Data as it is, or what its `toJSON` makes of it. */
function asJson<Data extends object>(data: Data): Data {
  return typeof (data as { toJSON?: unknown }).toJSON === 'function' ? parseData<Data>(stringifyData(data)) : data;
}

function textsOf(data: object): Map<string, string | undefined> {
  return new Map(Object.keys(data).map((key) => [key, valueText(key, own(data, key))]));
}

const NOTHING: Parsed = { keys: [], values: [], outlines: [] };
/** Up to so many changes are looked up one by one. */
const FEW = 16;

function placesOf(keys: readonly string[]): ReadonlyMap<string, number> {
  return new Map(keys.map((key, at) => [key, at]));
}

function isSame(value: object, outline: Outline | undefined): boolean {
  return outline !== undefined && hasOutline(value, outline);
}
