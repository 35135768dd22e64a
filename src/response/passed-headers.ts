/** The headers that are passed to `writeHead`. */
import { isHead, type Sending } from './head.js';

type Entry = readonly [name: unknown, value: unknown];

/** How they are passed: as an object, as names and values in turn, or as pairs. */
type Form = 'object' | 'flat' | 'pairs';

/** Headers that are passed to `writeHead`, and replace those of the same names that were set on the response before. */
export class PassedHeaders {
  /** The arguments of the call, with what was replaced. */
  args: unknown[];
  readonly #at: number;
  readonly #form: Form;
  #entries: readonly Entry[];

  private constructor(args: unknown[], at: number, form: Form, entries: readonly Entry[]) {
    this.args = args;
    this.#at = at;
    this.#form = form;
    this.#entries = entries;
  }

  /** The headers among the arguments of a call; `undefined` if there are none, or if they are such that Node refuses the call. */
  static of(name: Sending, args: unknown[]): PassedHeaders | undefined {
    if (!isHead(name) || args.length < 2) return undefined;
    // As in Node: (status, message, headers) or (status, headers).
    const at = typeof args[1] === 'string' || args[2] ? 2 : 1;
    const headers = args[at];
    if (typeof headers !== 'object' || headers === null) return undefined;
    if (!Array.isArray(headers)) return new PassedHeaders(args, at, 'object', Object.entries(headers));
    const form = Array.isArray(headers[0]) ? 'pairs' : 'flat';
    const entries = form === 'pairs' ? pairsOf(headers) : flatPairsOf(headers);
    return entries && new PassedHeaders(args, at, form, entries);
  }

  /**
   * Whether they are a list. Once any header is set on the response, Node reads a list in another way: of several values of one name it
   * sends the last alone, and pairs it refuses. So with a list nothing may be set beside it.
   */
  get isList(): boolean {
    return this.#form !== 'object';
  }

  /** The values of all headers of a name in lower case; `undefined` if there is none. */
  values(name: string): unknown[] | undefined {
    const values = this.#entries.filter((entry) => isNamed(entry, name)).flatMap(([, value]) => value);
    return values.length === 0 ? undefined : values;
  }

  /**
   * Puts a header in place of all of its name. It is one entry even if it has several values, because if other headers were set before, the
   * last of several entries would replace the others.
   */
  replace(name: string, value: unknown): void {
    const lower = name.toLowerCase();
    this.#entries = [...this.#entries.filter((entry) => !isNamed(entry, lower)), [name, value]];
    this.args = this.args.with(this.#at, inForm(this.#form, this.#entries));
  }
}

function isNamed([own]: Entry, name: string): boolean {
  return typeof own === 'string' && own.toLowerCase() === name;
}

function pairsOf(headers: readonly unknown[]): Entry[] | undefined {
  return headers.every((pair) => Array.isArray(pair)) ? (headers as unknown as Entry[]) : undefined;
}

function flatPairsOf(headers: readonly unknown[]): Entry[] | undefined {
  if (headers.length === 0 || headers.length % 2 !== 0) return undefined;
  return Array.from({ length: headers.length / 2 }, (_, at) => [headers[2 * at], headers[2 * at + 1]]);
}

function inForm(form: Form, entries: readonly Entry[]): unknown {
  if (form === 'flat') return entries.flat();
  return form === 'pairs' ? entries : Object.fromEntries(entries as [string, unknown][]);
}
