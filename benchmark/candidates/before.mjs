// This package as it was before: `npm run bench -- --before DIR` names a folder in which another version of it is checked out and built.
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const folder = process.env.AGAI_SESSION_BEFORE;

/** Requires that version's entries; `undefined` if none was named. */
export const requireBefore = folder && createRequire(join(resolve(folder), 'package.json'));

/**
 * Calls `make` with an option that sets no limit of the sessions of one user, because the benchmarks' one user has very many. Versions from
 * before that limit do not know the option.
 */
export function withoutUserLimit(make) {
  try {
    return make({ maxSessionsPerUser: Infinity });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return make({});
  }
}

/** Adds that version to the candidates, and leaves out all but those that a comparison with it needs. */
export function withBefore(candidates, before, needed) {
  if (!requireBefore) return candidates;
  const kept = Object.entries(candidates).filter(([name]) => needed.includes(name));
  return { ...Object.fromEntries(kept), 'agai-session before': before };
}
