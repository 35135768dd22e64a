/** Form parameters of requests, and which of them a session keeps until `clean()` or the next form. */
import { parse } from 'node:querystring';

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
const SECRET =
  /passw|passphrase|passcode|passkey|pwd|pincode|token|secret|credential|card|cvv|cvc|api[-_ ]?key|private[-_ ]?key/i;
/** Short words that occur inside other words, and so count only as words of their own: `otp`, `user_pin`, `OTPCode`. */
const SECRET_WORDS = new Set(['otp', 'pin', 'pass', 'csc', 'mfa']);

/** Whether a value of this name may be secret, so that it must never be kept. */
export function looksSecret(name: string): boolean {
  if (SECRET.test(name)) return true;
  const spaced = name.replace(/([a-z])([A-Z])/g, '$1 $2').replace(/([A-Z])([A-Z][a-z])/g, '$1 $2');
  return spaced.split(/[^A-Za-z]+/).some((word) => SECRET_WORDS.has(word.toLowerCase()));
}

/** The parameters in the query of a URL; `undefined` if it has none. */
export function queryParameters(url: string | undefined): FormParameters | undefined {
  const start = url?.indexOf('?') ?? -1;
  return start < 0 ? undefined : keepable(parse(url!.slice(start + 1)));
}

/** The parameters in a parsed request body; `undefined` if it is not a form. */
export function bodyParameters(body: unknown): FormParameters | undefined {
  if (body instanceof URLSearchParams) return keepable(parse(body.toString()));
  if (typeof body !== 'object' || body === null || Array.isArray(body) || ArrayBuffer.isView(body)) return undefined;
  return keepable(body);
}

/** A copy without the values whose names look secret; empty if the form is too long to be kept. */
function keepable(parameters: object): FormParameters {
  let text: string | undefined;
  try {
    text = JSON.stringify(parameters, (name, value: unknown) => (looksSecret(name) ? undefined : value));
  } catch {
    return {};
  }
  return text === undefined || text.length > MAX_LENGTH ? {} : (JSON.parse(text) as FormParameters);
}
