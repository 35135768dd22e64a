/** Sessions as the addon returns them: numbers in a shared array, strings in one text. */
import { ResultIndex } from '../native.js';
import { HANDLE_LENGTH, ID_LENGTH } from './ids.js';
import type { SessionFacts, StoredSession } from './session-backend.js';

/** The facts of a session, copied out of the array that the store shares with the addon. */
export class NativeFacts implements SessionFacts {
  readonly #source: string;
  readonly #offset: number;
  /** By `ResultIndex`. As properties of this object most of them would be boxed, a fifteenth of the time of an untouched request. */
  readonly #numbers: readonly number[];

  /** `source` contains the id at `offset`: it is the id itself, or the `Cookie` header that the id came in. */
  constructor(results: Float64Array, source: string, offset: number) {
    this.#source = source;
    this.#offset = offset;
    this.#numbers = [
      results[ResultIndex.status]!,
      results[ResultIndex.version]!,
      results[ResultIndex.createdAt]!,
      results[ResultIndex.lastSeenAt]!,
      results[ResultIndex.idleTimeout]!,
      results[ResultIndex.absoluteDeadline]!,
      results[ResultIndex.authenticatedAt]!,
      results[ResultIndex.uidUnits]!,
      results[ResultIndex.formUnits]!,
      results[ResultIndex.standing]!,
    ];
  }

  get version(): number {
    return this.#numbers[ResultIndex.version]!;
  }

  get createdAt(): number {
    return this.#numbers[ResultIndex.createdAt]!;
  }

  get lastSeenAt(): number {
    return this.#numbers[ResultIndex.lastSeenAt]!;
  }

  get idleTimeout(): number {
    return this.#numbers[ResultIndex.idleTimeout]!;
  }

  get absoluteDeadline(): number {
    return this.#numbers[ResultIndex.absoluteDeadline]!;
  }

  get authenticatedAt(): number {
    return this.#numbers[ResultIndex.authenticatedAt]!;
  }

  get epoch(): number {
    return this.#numbers[ResultIndex.standing]! % 2 ** 32;
  }

  get level(): number {
    return Math.floor(this.#numbers[ResultIndex.standing]! / 2 ** 32) % 4;
  }

  get remembered(): boolean {
    return Math.floor(this.#numbers[ResultIndex.standing]! / 2 ** 34) % 2 === 1;
  }

  /** Characters of the methods of the login, with which the session's text ends. */
  protected get methodsUnits(): number {
    return Math.floor(this.#numbers[ResultIndex.standing]! / 2 ** 35);
  }

  /** Characters of the user id, with which the session's text begins. */
  protected get uidUnits(): number {
    return this.#numbers[ResultIndex.uidUnits]!;
  }

  /** Characters of the form parameters, which come next in the text. */
  protected get formUnits(): number {
    return this.#numbers[ResultIndex.formUnits]!;
  }

  get id(): string {
    return this.#source.slice(this.#offset, this.#offset + ID_LENGTH);
  }

  get handle(): string {
    return this.#source.slice(this.#offset, this.#offset + HANDLE_LENGTH);
  }
}

/** A session with its text, which is cut into its parts only when they are read. */
export class NativeSession extends NativeFacts implements StoredSession {
  /** User id, form parameters, places of the data's members, U+0000, data and methods of the login, concatenated. */
  readonly #text: string;

  constructor(results: Float64Array, source: string, offset: number, text: string) {
    super(results, source, offset);
    this.#text = text;
  }

  get uid(): string | undefined {
    return this.uidUnits > 0 ? this.#text.slice(0, this.uidUnits) : undefined;
  }

  get form(): string {
    return this.#text.slice(this.uidUnits, this.uidUnits + this.formUnits);
  }

  get data(): string {
    return this.#text.slice(this.#dataAt, this.#text.length - this.methodsUnits);
  }

  get methods(): readonly string[] {
    const units = this.methodsUnits;
    return units === 0 ? [] : this.#text.slice(-units).split(',');
  }

  get places(): string {
    return this.#text.slice(this.uidUnits + this.formUnits, this.#dataAt - 1);
  }

  /** The data begins after the first U+0000 that follows user id and form: the places have none. */
  get #dataAt(): number {
    return this.#text.indexOf('\0', this.uidUnits + this.formUnits) + 1;
  }
}
