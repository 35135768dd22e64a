/** The output of `--json`; docs/cli.md describes its shape. */
import type { FileFacts, Inspection, ListedSession } from '../disk/inspection.js';
import type { InspectArguments } from './arguments.js';
import { Exit, exitOf, type Failure } from './exit.js';
import { safe } from './text.js';

/** Incremented when something is renamed or removed, but not when something is added. */
const SHAPE = 1;

export function inspectionJson(args: InspectArguments, found: Inspection): string {
  const { verdict, file, why, manifest, files, foreignFiles, sessions, records, lastLsn } = found;
  const { torn, damages, holder, refusal, inspectedAt } = found;
  return print({
    shape: SHAPE,
    path: args.path,
    verdict,
    exitCode: exitOf(verdict),
    file,
    why,
    inspectedAt,
    manifest,
    sessions: sessions && { ...sessions, listed: sessions.listed.map((session) => listed(args, session)) },
    records,
    lastLsn,
    torn,
    damages,
    files: files.map(fileOf),
    foreignFiles,
    holder,
    refusal,
  });
}

export function failureJson(args: InspectArguments, { code, why }: Failure): string {
  return print({ shape: SHAPE, path: args.path, verdict: 'none', exitCode: Exit.unreadable, code, why });
}

/** A session, with those of its private parts that were requested. */
function listed(
  { users, hashes, data }: InspectArguments,
  { secretHash, uid, data: text, ...facts }: ListedSession,
): object {
  return {
    ...facts,
    isGuest: uid === undefined,
    ...(users && { uid }),
    ...(hashes && { secretHash }),
    ...(data && { data: text }),
  };
}

function fileOf({ contents, ...facts }: FileFacts): object {
  if (!contents) return facts;
  const frames = Object.fromEntries(contents.frames.map(({ kind, count }) => [kind, count]));
  return { ...facts, contents: { ...contents, frames } };
}

function print(value: object): string {
  return `${safe(JSON.stringify(value))}\n`;
}
