/** The form parameters of one session during one request. */
import { parseData } from '../backend/json.js';
import type { Form, FormParameters } from './form.js';

/** Reads the parameters of a request, of each kind; `undefined` if it has none. */
export interface RequestForm {
  readonly get?: () => FormParameters | undefined;
  readonly post?: () => FormParameters | undefined;
}

/** The parameters that the session keeps, and those of the request, which replace them when they are read. */
export class KeptForm {
  readonly #request: RequestForm;
  /** As last read or written. */
  #text: string;
  #form: Form;
  /** The kinds whose parameters of the request were read, or removed: they are not read again. */
  #taken: { readonly [Kind in keyof Form]?: true } | undefined;

  constructor(text: string, request: RequestForm) {
    this.#request = request;
    this.#text = text;
    this.#form = parseForm(text);
  }

  /** The parameters of the request, which the session keeps from now on; if it has none, those that the session kept. */
  parameters(kind: keyof Form): FormParameters {
    const parameters = this.#taken?.[kind] ? undefined : this.#request[kind]?.();
    if (parameters !== undefined) {
      this.#taken = { ...this.#taken, [kind]: true };
      this.#form = { ...this.#form, [kind]: parameters };
    }
    return this.#form[kind] ?? {};
  }

  clean(): void {
    this.#form = {};
    this.#taken = { get: true, post: true };
  }

  /** The text to be written; `undefined` if nothing changed. Reading kept parameters is not a change. */
  get change(): string | undefined {
    if (this.#taken === undefined) return undefined;
    const { get, post } = this.#form;
    const text = get || post ? JSON.stringify(this.#form) : '';
    return text === this.#text ? undefined : text;
  }

  /** Notes the text that is stored now. It replaces parameters that were only read here. */
  stored(text: string): void {
    this.#text = text;
    if (this.#taken === undefined) this.#form = parseForm(text);
  }
}

function parseForm(text: string): Form {
  return text === '' ? {} : parseData<Form>(text);
}
