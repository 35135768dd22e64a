/** The data of one session during one request: the stored text, and the value that the handler reads and changes. */
import { EMPTY, parseData, stringifyData } from '../backend/json.js';
import type { DataSchema } from './data-schema.js';
import { mergeInto } from './merge.js';
import { hasOutline, outlineOf, type Outline } from './outline.js';

export class KeptData<Data extends object> {
  readonly #schema: DataSchema | undefined;
  /** As last read or written. */
  #text: string;
  /** Parsed from the text at the first read, then changed by the handler. */
  #value: Data | undefined;
  /** The outline of the value when it was parsed; `undefined` once the text must be compared. */
  #outline: Outline | undefined;
  /**
   * The text of the value as it was read, if a schema made another one of it, with defaults for example: that alone is not a change.
   * `undefined` if it is the stored text.
   */
  #readText: string | undefined;

  constructor(text: string, schema: DataSchema | undefined) {
    this.#text = text;
    this.#schema = schema;
  }

  get value(): Data {
    if (this.#value === undefined) {
      if (this.#schema) {
        this.#value = this.#read(this.#text);
        this.#readText = stringifyData(this.#value);
      } else {
        this.#value = parseData<Data>(this.#text);
        this.#outline = outlineOf(this.#value);
      }
    }
    return this.#value;
  }

  set value(value: Data) {
    this.#value = value;
    this.#outline = undefined;
  }

  /** The text as it would be stored. @throws SessionError `ERR_SESSION_DATA`. */
  get text(): string {
    const value = this.#value;
    if (value === undefined || (this.#outline !== undefined && hasOutline(value, this.#outline))) return this.#text;
    const text = stringifyData(value);
    return text === this.#readText ? this.#text : text;
  }

  /** The text to be written; `undefined` if nothing changed. @throws SessionError `ERR_SESSION_DATA`. */
  get change(): string | undefined {
    const { text } = this;
    if (text === this.#text) return undefined;
    this.#schema?.verify(parseData<object>(text));
    return text;
  }

  /** Drops the data: it becomes that of a new session. */
  clear(): void {
    this.value = this.#read(EMPTY);
  }

  /** Notes the text that is stored now. */
  stored(text: string): void {
    this.#text = text;
    this.#outline = undefined;
    this.#readText = undefined;
  }

  /** Notes the text that another request stored, and takes over the keys that were not changed here. */
  merge(text: string): void {
    if (this.#value === undefined) {
      this.stored(text);
      return;
    }
    const theirs = this.#read(text);
    const theirText = this.#schema && stringifyData(theirs);
    mergeInto(this.#value, parseData<object>(this.#readText ?? this.#text), theirs);
    this.stored(text);
    this.#readText = theirText;
  }

  /** The value of a text. @throws SessionError `ERR_SESSION_DATA` if the schema refuses it. */
  #read(text: string): Data {
    const raw = parseData<Data>(text);
    return this.#schema ? (this.#schema.read(raw) as Data) : raw;
  }
}
