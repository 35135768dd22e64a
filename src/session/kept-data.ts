/** The data of one session during one request: the stored text, and the value that the handler reads and changes. */
import { parseData, stringifyData } from '../backend/json.js';
import { mergeInto } from './merge.js';
import { hasOutline, outlineOf, type Outline } from './outline.js';

export class KeptData<Data extends object> {
  /** As last read or written. */
  #text: string;
  /** Parsed from the text at the first read, then changed by the handler. */
  #value: Data | undefined;
  /** The outline of the value when it was parsed; `undefined` once the text must be compared. */
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

  /** The text as it would be stored. @throws SessionError `ERR_SESSION_DATA`. */
  get text(): string {
    const value = this.#value;
    if (value === undefined || (this.#outline !== undefined && hasOutline(value, this.#outline))) return this.#text;
    return stringifyData(value);
  }

  /** The text to be written; `undefined` if nothing changed. @throws SessionError `ERR_SESSION_DATA`. */
  get change(): string | undefined {
    const { text } = this;
    return text === this.#text ? undefined : text;
  }

  /** Notes the text that is stored now. */
  stored(text: string): void {
    this.#text = text;
    this.#outline = undefined;
  }

  /** Notes the text that another request stored, and takes over the keys that were not changed here. */
  merge(text: string): void {
    if (this.#value !== undefined) mergeInto(this.#value, parseData<object>(this.#text), parseData<object>(text));
    this.stored(text);
  }
}
