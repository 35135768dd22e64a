/** Form parameters of requests, and which of them a session keeps until `clean()` or the next form. */
import { parse } from 'node:querystring';
import { kindError, ownOptions, typeError } from '../options.js';

/** The value of a form field: text, or what a body parser makes of it. */
export type ParameterValue = string | number | boolean | null | ParameterValue[] | { [name: string]: ParameterValue };

/** The names and values of a form; a name that occurs several times has an array. */
export interface FormParameters {
  readonly [name: string]: ParameterValue;
}

/** The parameters that a session keeps, by kind. */
export interface Form {
  readonly get?: FormParameters;
  readonly post?: FormParameters;
}

/** The maximum length as JSON. A longer form is not kept: parameters are a convenience and must not fill the session. */
const MAX_LENGTH = 8_192;
/** Parts of names, in several languages. */
const SECRET = new RegExp(
  [
    /passw|passphrase|passcode|passkey|pwd|kennwort|contrase[nñ]a|mot[-_ ]?de[-_ ]?passe|wachtwoord/,
    /pincode|otp[-_ ]?code|security[-_ ]?code|token|secret|credential|mnemonic|signature|api[-_ ]?key|private[-_ ]?key/,
    /authorization|bearer|csrf|xsrf|sess(?:ion)?[-_ ]?id|card|cvv|cvc|ccnum/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'i',
);
/** Short words that occur inside other words, and so count only as words of their own: `otp`, `user_pin`, `OTPCode`. */
const SECRET_WORDS = new Set(
  'otp totp mfa pin pw pass parol senha csc auth jwt session sid ssn iban pan seed'.split(' '),
);

/** Whether a value of this name may be secret, so that it must never be kept. */
export function looksSecret(name: string): boolean {
  if (SECRET.test(name)) return true;
  const spaced = name.replace(/([a-z])([A-Z])/g, '$1 $2').replace(/([A-Z])([A-Z][a-z])/g, '$1 $2');
  return spaced.split(/[^A-Za-z]+/).some((word) => SECRET_WORDS.has(word.toLowerCase()));
}

/** Which parameters are kept: all but the secret ones, only some of these, or none. */
export type FormOption = false | { readonly only?: readonly string[] };

/** The rules for the forms of one manager. */
export class FormPolicy {
  readonly #isOff: boolean;
  /** `undefined` for all names. */
  readonly #only: ReadonlySet<string> | undefined;

  /** @throws TypeError for a wrong option. */
  constructor(option: unknown) {
    this.#isOff = option === false;
    this.#only = option === undefined || option === false ? undefined : namesOf(option);
  }

  /** The parameters in the query of a URL; `undefined` if it has none. */
  query(url: string | undefined): FormParameters | undefined {
    const start = this.#isOff ? -1 : (url?.indexOf('?') ?? -1);
    return start < 0 ? undefined : this.#keepable(parse(url!.slice(start + 1)));
  }

  /** The parameters in a parsed request body; `undefined` if it is not a form. */
  body(body: unknown): FormParameters | undefined {
    if (this.#isOff) return undefined;
    if (body instanceof URLSearchParams) return this.#keepable(parse(body.toString()));
    if (typeof body !== 'object' || body === null || Array.isArray(body) || ArrayBuffer.isView(body)) return undefined;
    return this.#keepable(body);
  }

  /** A copy of what may be kept; empty if it is too long. */
  #keepable(parameters: object): FormParameters {
    const only = this.#only;
    const fields = only
      ? Object.fromEntries(Object.entries(parameters).filter(([name]) => only.has(name)))
      : parameters;
    let text: string | undefined;
    try {
      text = JSON.stringify(fields, (name, value: unknown) => (looksSecret(name) ? undefined : value));
    } catch {
      return {};
    }
    return text === undefined || text.length > MAX_LENGTH ? {} : (JSON.parse(text) as FormParameters);
  }
}

function namesOf(option: unknown): Set<string> | undefined {
  if (typeof option !== 'object' || option === null) {
    throw kindError('form', option, 'choose false, or { only: [names of fields] }');
  }
  const { only } = ownOptions('form', option as { only?: unknown }, ['only']);
  if (only === undefined) return undefined;
  if (!Array.isArray(only) || !only.every((name) => typeof name === 'string')) {
    throw kindError('form.only', only, 'give an array of names of fields');
  }
  const secret = only.find((name) => looksSecret(name));
  if (secret !== undefined) {
    throw typeError('form.only', secret, 'a field whose name looks secret is never kept: read it from req.body');
  }
  return new Set(only);
}
