/** The data of one session during one request: as it is stored, and as its user changes it. */
import { parseData, stringifyData } from '../backend/json.js';
import { mergeInto } from './merge.js';
import { hasOutline, outlineOf, type Outline } from './outline.js';

export class KeptData<Data extends object> {
  /** As last read or written. */
  #text: string;
  /** The same, parsed at the first look, then changed by its user. */
  #value: Data | undefined;
  /** What it was made of when it was parsed from the text. */
  #outline: Outline | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  get value(): Data {
    if (this.#value === undefined) {
      this.#value = parseData<Data>(this.#text);
      this.#outline = outlineOf(this.#value);
    }
    return this.#value;
  }

  set value(value: Data) {
    this.#value = value;
    this.#outline = undefined;
  }

  /** As it would be stored. @throws SessionError `ERR_SESSION_DATA`. */
  get text(): string {
    const value = this.#value;
    if (value === undefined || (this.#outline !== undefined && hasOutline(value, this.#outline))) return this.#text;
    return stringifyData(value);
  }

  /** What is to be written; `undefined` if nothing changed. @throws SessionError `ERR_SESSION_DATA`. */
  get change(): string | undefined {
    const { text } = this;
    return text === this.#text ? undefined : text;
  }

  /** Takes note of what is stored now. */
  stored(text: string): void {
    this.#text = text;
    this.#outline = undefined;
  }

  /** Takes note of what somebody else stored, and takes over what was not changed here. */
  merge(text: string): void {
    if (this.#value !== undefined) mergeInto(this.#value, parseData<object>(this.#text), parseData<object>(text));
    this.stored(text);
  }
}
