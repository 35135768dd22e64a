/** The texts of `--help` and `--version`. */

export const HELP = `Inspects the directory of an agai-session store. Changes nothing in it, and works while the store is in use.

  agai-session verify [DIR]     whether a store would open there, and all damaged places
  agai-session inspect [DIR]    the same, and what is in each file

DIR is the directory that the store has as its \`path\`: sessions.data in the working directory, unless another is given.

  --json             one JSON object, with exact numbers and instants in milliseconds
  --limit N          the maximum number of sessions and damaged places shown (20)
  --progress WHEN    auto, always or never, on stderr (auto: if it takes longer than a second)
  --help, --version

With inspect:
  --sessions         list sessions by their handles: no ids, users or data
  --users            list them with their user ids
  --hashes           list them with the hashes of their secrets, which alone are stored
  --data             list them with their data

Exit codes: 0 the store is sound (also with a torn tail), 1 it is damaged, 2 the command line is wrong, 3 it cannot be checked: no
directory, no store in it, no permission, a file of a later version.
`;

export function versionText(): string {
  const { version } = require('../../package.json') as { version: string };
  return `${version}\n`;
}
