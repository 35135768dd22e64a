/** What a response says to caches and browsers because of its session. */
import { kindError, oneOf, typeError } from '../options.js';
import type { HeadRules } from '../response/head-rules.js';

/** What the browser forgets when a session ends: a type of the header `Clear-Site-Data`. */
export type SiteData = 'cache' | 'cookies' | 'storage';

const TYPES: readonly SiteData[] = ['cache', 'cookies', 'storage'];
const NONE: readonly string[] = [];

/** What a request did with its session. */
export interface SessionUse {
  /** The response sets or removes the session cookie. */
  readonly setsCookie: boolean;
  /** A member of the session was used. */
  readonly isUsed: boolean;
  /** A user was or is logged in. */
  readonly isUser: boolean;
  /** The session was ended, and the connection is secure: browsers ignore `Clear-Site-Data` on others. */
  readonly hasEnded: boolean;
}

const rulesOf = (caching: HeadRules['caching'], variesByCookie: boolean): HeadRules => {
  return { caching, variesByCookie, clears: NONE };
};
// Objects that are made once: a request that only reads its session makes none.
const GUEST = rulesOf(undefined, true);
const USER = rulesOf('private', true);
const FAILED = rulesOf('no-store', true);

/** The rules for the headers of one manager's responses. */
export class HeadPolicy {
  readonly #cacheHeaders: boolean;
  readonly #clears: readonly string[];

  /** @throws TypeError for a wrong option. */
  constructor(cacheHeaders: unknown = true, clearSiteData: unknown = false) {
    this.#cacheHeaders = oneOf<unknown>('cacheHeaders', cacheHeaders, [true, false]) === true;
    this.#clears = typesOf(clearSiteData);
  }

  /** The rules for a response; `undefined` if there are none. */
  rules({ setsCookie, isUsed, isUser, hasEnded }: SessionUse): HeadRules | undefined {
    const clears = hasEnded ? this.#clears : NONE;
    if (!this.#cacheHeaders) return clears === NONE ? undefined : { ...rulesOf(undefined, false), clears };
    if (setsCookie) return { caching: 'no-store', variesByCookie: isUsed, clears };
    if (!isUsed) return undefined;
    const rules = isUser ? USER : GUEST;
    return clears === NONE ? rules : { ...rules, clears };
  }

  /** The rules for what is sent when a session could not be written. */
  get failed(): HeadRules | undefined {
    return this.#cacheHeaders ? FAILED : undefined;
  }
}

/** The types in quotes, as in the header. */
function typesOf(option: unknown): readonly string[] {
  if (option === undefined || option === false) return NONE;
  const types: unknown = option === true ? ['storage'] : option;
  const fix = "pass true, which is ['storage'], or a list of 'cache', 'cookies' and 'storage'";
  if (!Array.isArray(types)) throw typeError('clearSiteData', option, fix);
  if (types.length === 0) throw kindError('clearSiteData', types, `${fix}; leave it out for none`);
  for (const type of types) oneOf<unknown>('clearSiteData', type, TYPES);
  return [...new Set(types)].map((type) => `"${String(type)}"`);
}
