type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [fault: 'the types are not the same'];

/** Compiles if the two types are the same. */
export function same<A, B>(..._: Same<A, B>): void {}
