/** Values of headers that are combined of what a handler has set and what is added to it. Each function returns `undefined` for no change. */

/** A member of a list: what is between commas, except those within quotes. */
const MEMBER = /(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/gs;

function membersOf(list: string): string[] {
  return (list.match(MEMBER) ?? []).map((member) => member.trim()).filter((member) => member !== '');
}

/** `Vary` with `Cookie` among its names. */
export function withVaryCookie(before: string | undefined): string | undefined {
  if (before === undefined) return 'Cookie';
  if (before === 'Cookie') return undefined;
  const names = membersOf(before);
  if (names.some((name) => name === '*' || name.toLowerCase() === 'cookie')) return undefined;
  return [...names, 'Cookie'].join(', ');
}

/**
 * A `Cache-Control` by which nobody may store the response. That is so only without `must-understand`, which lets a cache ignore `no-store`
 * (RFC 9111, section 5.2.2.3). `no-transform` stays, because it is about something else.
 */
export function withNoStore(before: string | undefined): string | undefined {
  if (before === undefined) return 'no-store';
  if (before === 'no-store') return undefined;
  const directives = membersOf(before.toLowerCase());
  if (directives.includes('no-store') && !directives.includes('must-understand')) return undefined;
  return directives.includes('no-transform') ? 'no-store, no-transform' : 'no-store';
}

/** A `Cache-Control` by which only the client may store the response and must ask before it uses it again, unless there is another. */
export function withPrivate(before: string | undefined): string | undefined {
  return before === undefined || before.trim() === '' ? 'private, no-cache' : undefined;
}

/** `Clear-Site-Data` with these types, which are in quotes. */
export function withCleared(before: string | undefined, types: readonly string[]): string | undefined {
  const there = membersOf(before ?? '');
  const missing = there.includes('"*"') ? [] : types.filter((type) => !there.includes(type));
  return missing.length === 0 ? undefined : [...there, ...missing].join(', ');
}
