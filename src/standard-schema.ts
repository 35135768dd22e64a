/**
 * The interface of Standard Schema (https://standardschema.dev), which zod, valibot, arktype and other libraries for schemas implement: the
 * part of it that this package uses.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** The result of a validation: the value, or what is wrong with it. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One thing that is wrong, and where. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The values that a schema accepts. */
export type SchemaInput<Schema> = Schema extends StandardSchema<infer Input, unknown> ? Input : unknown;

/** The values that a schema makes of them. */
export type SchemaOutput<Schema> = Schema extends StandardSchema<unknown, infer Output> ? Output : unknown;
