/** What the head of a response must say, whatever its handler sets. */
import { isBare, type Response, type Sending } from './head.js';
import { withCleared, withNoStore, withPrivate, withVaryCookie } from './header-values.js';
import { PassedHeaders } from './passed-headers.js';

/** Rules for the headers of one response. */
export interface HeadRules {
  /** `'no-store'`: nobody may store the response. `'private'`: only the client may, unless the handler says something else. */
  readonly caching: 'no-store' | 'private' | undefined;
  /** Whether the response depends on the request's cookies. */
  readonly variesByCookie: boolean;
  /** What the browser is to forget: types of `Clear-Site-Data`, in quotes. */
  readonly clears: readonly string[];
}

/** What a commit adds to the head of its response. */
export interface HeadChange {
  /** The values of `Set-Cookie` headers to add; mostly one or none. */
  readonly cookies: readonly string[];
  readonly rules: HeadRules | undefined;
}

/**
 * Makes a response that is about to be sent by the method `name` follow the rules, and returns the arguments for that method. What the
 * handler has set is kept where it does not contradict them. To do it again changes nothing.
 */
export function withRules(res: Response, name: Sending, args: unknown[], rules: HeadRules): unknown[] {
  // The answer of a handshake is not stored by anybody.
  if (isBare(res) || !res.setHeader || !res.getHeader) return args;
  const passed = PassedHeaders.of(name, args);
  const { caching, variesByCookie, clears } = rules;
  if (variesByCookie) withHeader(res, passed, 'Vary', withVaryCookie);
  if (caching === 'private') withHeader(res, passed, 'Cache-Control', withPrivate);
  if (caching === 'no-store') withHeader(res, passed, 'Cache-Control', withNoStore);
  if (clears.length > 0) withHeader(res, passed, 'Clear-Site-Data', (before) => withCleared(before, clears));
  return passed?.args ?? args;
}

/** Sets one header to what `combine` makes of its value, where it was set: among the arguments, or on the response. */
function withHeader(
  res: Response,
  passed: PassedHeaders | undefined,
  header: string,
  combine: (before: string | undefined) => string | undefined,
): void {
  const values = passed?.values(header.toLowerCase());
  // Node refuses such a call by itself, and the handler learns why.
  if (values && !values.every(isSendable)) return;
  const value = combine(values ? values.join(', ') : textOf(res.getHeader!(header)));
  if (value === undefined) return;
  if (passed && (passed.isList || values)) passed.replace(header, value);
  else res.setHeader!(header, value);
}

function isSendable(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number';
}

/** The value of a header that was set on the response. */
function textOf(value: string | number | readonly string[] | undefined): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  return typeof value === 'number' ? String(value) : value.join(', ');
}
