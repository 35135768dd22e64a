/** The sessions in the report: their number and ages, and a list if requested. */
import type { Inspection, ListedSession } from '../disk/inspection.js';
import type { InspectArguments } from './arguments.js';
import { safe, table } from './text.js';
import { ago, count, size, span } from './units.js';

type Sessions = NonNullable<Inspection['sessions']>;

export function sessionsText(verdict: Inspection['verdict'], sessions: Sessions, now: number): string[][] {
  const { live, guests, expired, bytes, oldest, newest, nextDeadline, clockSetBack } = sessions;
  const title = verdict === 'damaged' ? 'salvageable' : 'sessions';
  const rows = [
    [
      title,
      `${count(live)} live, ${count(guests)} of them guests; ${count(expired)} expired; ${size(bytes)} in memory`,
    ],
  ];
  if (oldest !== undefined && newest !== undefined) {
    const end =
      nextDeadline === undefined ? 'none ever ends' : `the next ends in ${span(Math.max(nextDeadline - now, 0))}`;
    rows.push(['ages', `the oldest was made ${ago(oldest, now)}, the newest ${ago(newest, now)}; ${end}`]);
  }
  if (clockSetBack > 0) rows.push(['clock', `stands ${span(clockSetBack)} before the latest instant in the files`]);
  return rows;
}

export function listedLines(args: InspectArguments, { sessions, inspectedAt }: Inspection): string[] {
  if (!sessions) return ['Sessions: none can be read'];
  const { listed, live } = sessions;
  const rows = listed.map((session) => rowOf(args, session, inspectedAt));
  const titles = ['HANDLE', 'VERSION', 'MADE', 'SEEN', 'ENDS IN', 'BYTES'];
  if (args.hashes) titles.push('SECRET HASH');
  titles.push(args.users ? 'USER' : 'WHO');
  if (args.data) titles.push('DATA');
  const lines = table([titles, ...rows]).map((line) => `  ${line}`);
  return [`Sessions (${count(listed.length)} of ${count(live)})`, ...lines];
}

function rowOf({ users, hashes, data }: InspectArguments, session: ListedSession, now: number): string[] {
  const { handle, version, createdAt, lastSeenAt, deadline, bytes, secretHash, uid, data: text } = session;
  const ends = Number.isFinite(deadline) ? span(Math.max(deadline - now, 0)) : 'never';
  const row = [handle, count(version), ago(createdAt, now), ago(lastSeenAt, now), ends, count(bytes)];
  if (hashes) row.push(secretHash);
  if (uid === undefined) row.push('a guest');
  else row.push(users ? safe(uid) : 'a user');
  if (data) row.push(safe(text ?? ''));
  return row;
}
