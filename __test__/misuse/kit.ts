/** What the tables of wrong usages have in common. */
import test from 'ava';
import { SessionError, type SessionErrorCode } from 'agai-session';

/** What no message may contain: it is passed wherever a secret might be. */
export const SECRET = 'hunter2';

/** A wrong usage: what it is, the code that does it, the class or code of its error, and what the message says: the name and the fix. */
export type Wrong = readonly [
  title: string,
  use: () => unknown,
  error: typeof TypeError | typeof RangeError | SessionErrorCode,
  says: RegExp,
];

/** Errors that the engine throws inside a function that did not check what it was given. */
const FROM_INSIDE =
  /Cannot (?:read|set|destructure|convert|define|access)|is not (?:a function|iterable|defined)|undefined \(/;

/** Makes a test of each wrong usage: it fails, in the right class, with a message that helps and shows no secret. */
export function refuses(table: readonly Wrong[]): void {
  for (const [title, use, expected, says] of table) {
    test(title, async (t) => {
      const error = await t.throwsAsync(async () => use(), { instanceOf: Error });
      if (typeof expected === 'string') {
        t.true(error instanceof SessionError);
        t.is((error as SessionError).code, expected);
      } else {
        t.is(error.constructor, expected);
      }
      t.regex(error.message, says);
      t.notRegex(error.message, FROM_INSIDE);
      t.false(error.message.includes(SECRET), error.message);
    });
  }
}
