/** The form parameters of one session during one request: those that it kept, and those that this request brings. */
import { parseData } from '../backend/json.js';
import type { Form, FormParameters } from './form.js';

/** Reads what the request in hand brought of each kind; `undefined` for a request that brought none. */
export interface BroughtForm {
  readonly get?: () => FormParameters | undefined;
  readonly post?: () => FormParameters | undefined;
}

export class KeptForm {
  readonly #brought: BroughtForm;
  /** As last read or written. */
  #text: string;
  #form: Form;
  /** Which of the request's own were taken over, or forgotten, and are not to be read again. */
  #taken: { readonly [Kind in keyof Form]?: true } | undefined;

  constructor(text: string, brought: BroughtForm) {
    this.#brought = brought;
    this.#text = text;
    this.#form = parseForm(text);
  }

  /** The request's own, which the session keeps from here on, or those that it kept. */
  parameters(kind: keyof Form): FormParameters {
    const brought = this.#taken?.[kind] ? undefined : this.#brought[kind]?.();
    if (brought !== undefined) {
      this.#taken = { ...this.#taken, [kind]: true };
      this.#form = { ...this.#form, [kind]: brought };
    }
    return this.#form[kind] ?? {};
  }

  clean(): void {
    this.#form = {};
    this.#taken = { get: true, post: true };
  }

  /** What is to be written; `undefined` if nothing changed. Parameters that were merely read are nobody's change. */
  get change(): string | undefined {
    if (this.#taken === undefined) return undefined;
    const { get, post } = this.#form;
    const text = get || post ? JSON.stringify(this.#form) : '';
    return text === this.#text ? undefined : text;
  }

  /** Takes note of what is stored now. Parameters that were merely read give way to it. */
  stored(text: string): void {
    this.#text = text;
    if (this.#taken === undefined) this.#form = parseForm(text);
  }
}

function parseForm(text: string): Form {
  return text === '' ? {} : parseData<Form>(text);
}
