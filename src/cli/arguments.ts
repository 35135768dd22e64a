/** The arguments of the command line. */
import { parseArgs } from 'node:util';
import { quoted, safe } from './text.js';

export type When = 'auto' | 'always' | 'never';

export type Arguments = { readonly command: 'help' } | { readonly command: 'version' } | InspectArguments;

export interface InspectArguments {
  readonly command: 'verify' | 'inspect';
  readonly path: string;
  readonly json: boolean;
  readonly progress: When;
  /** The maximum number of sessions and damaged places that are shown. */
  readonly limit: number;
  /** Whether sessions are listed. */
  readonly sessions: boolean;
  /** Which of their private parts are shown. */
  readonly users: boolean;
  readonly hashes: boolean;
  readonly data: boolean;
}

/** The error for a wrong command line; the message says what is wrong. */
export class UsageError extends Error {}

const WHENS: readonly string[] = ['auto', 'always', 'never'];
const MOST = 1_000_000;
/** The directory that is inspected if none is named: the one that a store is in unless its `path` says otherwise. */
const DEFAULT_PATH = 'sessions.data';

const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
  json: { type: 'boolean', default: false },
  progress: { type: 'string', default: 'auto' },
  limit: { type: 'string', default: '20' },
  sessions: { type: 'boolean', default: false },
  users: { type: 'boolean', default: false },
  hashes: { type: 'boolean', default: false },
  data: { type: 'boolean', default: false },
} as const;

/** Reads and checks the arguments. Throws a {@link UsageError} if they are wrong. */
export function readArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parse(args);
  if (values.help) return { command: 'help' };
  if (values.version) return { command: 'version' };
  const [command, path = DEFAULT_PATH, ...more] = positionals;
  if (command === undefined || command === 'help') return { command: 'help' };
  if (command !== 'verify' && command !== 'inspect') {
    throw new UsageError(`there is no command ${quoted(command)}, only verify and inspect`);
  }
  if (path === '') throw new UsageError(`${command} takes the directory of a store; got an empty path`);
  if (more.length > 0) throw new UsageError(`${command} takes one directory; got ${quoted(more[0]!)} too`);
  const { users, hashes, data, progress, limit } = values;
  const sessions = values.sessions || users || hashes || data;
  if (sessions && command === 'verify') {
    throw new UsageError('verify shows no sessions: use inspect with --sessions, --users, --hashes and --data');
  }
  if (!WHENS.includes(progress)) throw new UsageError(`--progress is auto, always or never; got ${quoted(progress)}`);
  if (!/^\d{1,7}$/.test(limit) || Number(limit) > MOST) {
    throw new UsageError(`--limit is a whole number up to 1000000; got ${quoted(limit)}`);
  }
  return {
    command,
    path,
    json: values.json,
    progress: progress as When,
    limit: Number(limit),
    sessions,
    users,
    hashes,
    data,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(safe((error as Error).message));
  }
}
