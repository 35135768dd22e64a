/** The types of session data: what applications declare, and what JSON makes of it. */

/**
 * The type of every session's `data`: add your own fields by declaration merging. As long as it has none, `data` may have any field of
 * any type.
 */
// oxlint-disable-next-line typescript/no-empty-interface -- users declare its fields
export interface SessionData {}

/** The type of `data` where no other is given: `SessionData` once it has fields. */
// oxlint-disable-next-line typescript/no-explicit-any -- as the body of an Express request, until somebody declares it
export type DefaultSessionData = keyof SessionData extends never ? Record<string, any> : SessionData;

/**
 * What `JSON.parse(JSON.stringify(value))` makes of a value of type `T`, as a type: a `Date` is a string, a `Map` an empty object; functions
 * and symbols are left out.
 */
export type Jsonified<T> = unknown extends T
  ? T
  : T extends string | number | boolean | null | undefined
    ? T
    : T extends { toJSON(...args: never[]): infer Json }
      ? Jsonified<Json>
      : T extends bigint
        ? never
        : T extends Unseen
          ? undefined
          : T extends Opaque
            ? { [name: string]: never }
            : T extends readonly unknown[]
              ? { [Index in keyof T]: JsonifiedItem<T[Index]> }
              : keyof T extends never
                ? T
                : { [Key in keyof T as KeptKey<T, Key>]: Jsonified<T[Key]> };

/**
 * What `Jsonified` makes of data, which is an object; `Validated` data stays what it is. As a mapped type it keeps stores and sessions of
 * related types assignable to each other.
 */
export type JsonData<Data extends object> = {
  [Key in keyof Data as KeptKey<Data, Key>]: Data extends IsValidated ? Data[Key] : Jsonified<Data[Key]>;
};

/** The keys of data. */
export type DataKey<Data extends object> = keyof JsonData<Data> & string;

/** What can be stored under a key of data: a value of the declared type, or what JSON makes of one. */
export type DataValue<Data extends object, Key extends DataKey<Data>> =
  | JsonData<Data>[Key]
  | (Key extends keyof Data ? Data[Key] : never);

declare const kValidated: unique symbol;

/** Marks a type; no value has this property. */
interface IsValidated {
  readonly [kValidated]: true;
}

/**
 * The type of data that a schema (the option `data`) has made, so that what is read is of type `Data` itself, a `Date` for example:
 * `interface SessionData extends Validated<z.infer<typeof schema>> {}`.
 */
export type Validated<Data extends object> = Data & IsValidated;

/** JSON has nothing for these. */
type Unseen = ((...args: never[]) => unknown) | (abstract new (...args: never[]) => unknown) | symbol;

/** Objects without properties that JSON could see. */
type Opaque =
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | WeakMap<WeakKey, unknown>
  | WeakSet<WeakKey>
  | Promise<unknown>
  | RegExp
  | ArrayBuffer;

/** In an array, what JSON has nothing for becomes null. */
type JsonifiedItem<T> = unknown extends T ? T : T extends Unseen | undefined ? null : Jsonified<T>;

/** A key that JSON keeps: not a symbol, nor one that can only have values for which JSON has nothing. */
type KeptKey<T, Key extends keyof T> = Key extends symbol
  ? never
  : [T[Key]] extends [undefined]
    ? Key
    : [T[Key]] extends [Unseen | undefined]
      ? never
      : Key;
