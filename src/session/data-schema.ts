/** The schema of the data, as the manager's options give it: what is read passes it, and what is written. */
import { SessionError } from '../errors.js';
import { isPromise } from '../maybe-promise.js';
import { kindError, kindOf } from '../options.js';
import type { SchemaIssue, SchemaResult, StandardSchema } from '../standard-schema.js';

/** What happens to stored data that the schema does not accept: see the option `onInvalid`. */
export type OnInvalid<Input = unknown> = 'error' | 'discard' | ((raw: unknown) => Input);

/** The maximum number of places that an error names. */
const MAX_PLACES = 10;

export class DataSchema {
  readonly #schema: StandardSchema;
  readonly #onInvalid: OnInvalid;

  /** @throws TypeError for what is no schema, and for one that a new session would fail. */
  constructor(schema: unknown, onInvalid: unknown = 'error') {
    if (!isSchema(schema)) {
      throw new TypeError(`option data: pass a schema of zod, valibot, arktype or the like; got ${kindOf(schema)}`);
    }
    if (onInvalid !== 'error' && onInvalid !== 'discard' && typeof onInvalid !== 'function') {
      throw kindError('onInvalid', onInvalid, "choose 'error' or 'discard', or pass a function that returns new data");
    }
    this.#schema = schema;
    this.#onInvalid = onInvalid as OnInvalid;
    const empty = this.#validate({});
    if (empty.issues) {
      const places = placesOf(empty.issues);
      throw new TypeError(
        `option data: every session begins with {}, which the schema refuses: give these a default, or make them optional: ${places}`,
      );
    }
    checkObject(empty.value, TypeError);
  }

  /**
   * The data of a session from what is stored. `isReplaced`: the schema did not accept that, and this stands in its place.
   * @throws SessionError `ERR_SESSION_DATA`, or what `onInvalid` throws.
   */
  read(raw: object): { value: object; isReplaced: boolean } {
    const result = this.#validate(raw);
    if (!result.issues) return { value: checkObject(result.value), isReplaced: false };
    if (this.#onInvalid === 'error') throw refused('stored', result.issues);
    const data: unknown = this.#onInvalid === 'discard' ? {} : this.#onInvalid(raw);
    const again = this.#validate(data);
    if (again.issues) throw refused('returned by onInvalid', again.issues);
    return { value: checkObject(again.value), isReplaced: true };
  }

  /** Checks data that is to be written, in the form in which it will be read again. @throws SessionError `ERR_SESSION_DATA`. */
  verify(raw: object): void {
    const { issues } = this.#validate(raw);
    if (issues) throw refused('to be written', issues);
  }

  #validate(value: unknown): SchemaResult<unknown> {
    const result = this.#schema['~standard'].validate(value);
    if (!isPromise(result)) return result;
    result.catch(() => undefined);
    throw new TypeError(
      'option data: the schema is asynchronous, but data is read synchronously: use one without promises',
    );
  }
}

/** Schemas of some libraries are functions. */
function isSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const { '~standard': standard } = value as Partial<StandardSchema>;
  return standard?.version === 1 && typeof standard.validate === 'function';
}

function checkObject(value: unknown, Type?: typeof TypeError): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  const message = `the schema must make an object of the session's data, not ${kindOf(value)}`;
  throw Type ? new Type(`option data: ${message}`) : new SessionError('ERR_SESSION_DATA', message);
}

/** The error for data that the schema refuses. It names places and no values: those are the user's. */
function refused(which: string, issues: readonly SchemaIssue[]): SessionError {
  return new SessionError(
    'ERR_SESSION_DATA',
    `the session's data (${which}) is not what the schema accepts: ${placesOf(issues)}`,
  );
}

function placesOf(issues: readonly SchemaIssue[]): string {
  const places = new Set(issues.map(({ path = [] }) => path.map(keyOf).join('.') || 'the whole'));
  const shown = [...places].slice(0, MAX_PLACES).join(', ');
  return places.size > MAX_PLACES ? `${shown} and ${places.size - MAX_PLACES} more` : shown;
}

function keyOf(part: PropertyKey | { readonly key: PropertyKey }): string {
  return String(typeof part === 'object' ? part.key : part);
}
