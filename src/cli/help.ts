/** What `--help` and `--version` print. */

export const HELP = `Looks into the directory of an agai-session store. Changes nothing in it, and works while the store is in use.

  agai-session verify DIR     whether a store would open there, and every damaged place
  agai-session inspect DIR    the same, and what is in each file

  --json             one JSON object, with exact numbers and instants in milliseconds
  --limit N          how many sessions and damaged places are shown (20)
  --progress WHEN    auto, always or never, to stderr (auto: when it takes long)
  --help, --version

With inspect:
  --sessions         lists sessions by their handles: no ids, users or data
  --users            with their user ids
  --ids              with the hashes of their ids, as they are stored; the ids themselves are nowhere
  --data             with their data

Exit codes: 0 it is sound (a torn tail is), 1 it is damaged, 2 the command line is wrong, 3 there is nothing to be judged: no directory,
no store in it, no permission, a file of a later version.
`;

export function versionText(): string {
  const { version } = require('../../package.json') as { version: string };
  return `${version}\n`;
}
