/** The report of `verify` and `inspect`, for people. */
import type { DamagedPlace, Inspection } from '../disk/inspection.js';
import type { InspectArguments } from './arguments.js';
import type { Failure } from './exit.js';
import { fileLines } from './report-files.js';
import { listedLines, sessionsText } from './report-sessions.js';
import type { Style } from './style.js';
import { safe, table } from './text.js';
import { ago, count, several, size, span } from './units.js';

export function inspectionText(args: InspectArguments, found: Inspection, style: Style): string {
  const lines = [`${safe(args.path)}: ${verdictText(found, style)}`];
  lines.push(...table(facts(found)).map((line) => `  ${line}`));
  if (args.command === 'inspect') {
    if (found.files.length > 0) lines.push('', 'Files', ...fileLines(found).map((line) => `  ${line}`));
    if (found.foreignFiles > 0) lines.push(`  and ${several(found.foreignFiles, 'file')} that no store created`);
    if (args.sessions) lines.push('', ...listedLines(args, found));
  }
  lines.push(...damageLines(args, found));
  return `${lines.join('\n')}\n`;
}

export function failureText(args: InspectArguments, { code, why }: Failure, style: Style): string {
  return `${safe(args.path)}: ${style.bad('cannot be inspected')}\n  ${safe(why)} (${code})\n`;
}

function verdictText(found: Inspection, { good, odd, bad }: Style): string {
  const { verdict, file, why, holder } = found;
  switch (verdict) {
    case 'sound':
      return good('sound');
    case 'torn':
      return good('sound') + (holder.state === 'process' ? ', with a write under way' : ', with a torn tail');
    case 'damaged':
      return bad('damaged');
    case 'empty':
      return odd('there is no store in it');
    case 'newer':
      return `${odd('written by a later version')}: ${safe(file ?? '')}: ${safe(why ?? '')}`;
    case 'unreadable':
      return `${bad('cannot be read')}: ${safe(file ?? '')}: ${safe(why ?? '')}`;
    default:
      return odd('in use, and its files were replaced faster than they could be read: try again');
  }
}

function facts(found: Inspection): string[][] {
  const { manifest, sessions, torn, holder, refusal, inspectedAt: now } = found;
  const rows: string[][] = [];
  if (manifest) {
    const head = found.files.find(({ role }) => role === 'manifest')?.contents;
    const closed = manifest.clean ? 'closed' : 'not closed';
    rows.push([
      'store',
      `format ${head?.format ?? '?'}, codec ${head?.codec ?? '?'}, generation ${count(manifest.generation)}, ${closed}, ` +
        `manifest written ${ago(manifest.writtenAt, now)}`,
    ]);
  }
  if (sessions) {
    rows.push(...sessionsText(found.verdict, sessions, now));
    rows.push(['log', `record ${count(found.lastLsn)} is the newest; ${count(found.records)} replayed`]);
  }
  if (torn) {
    const what = `${size(torn.bytes)} of an unfinished write`;
    rows.push(['torn', `${safe(torn.file)} at byte ${count(torn.offset)}: ${what}; the next opening cuts them off`]);
  }
  if (holder.state === 'process') {
    const since = holder.startedAt === undefined ? '' : ` for ${span(Math.max(now - holder.startedAt, 0))}`;
    rows.push(['in use', `by process ${holder.pid ?? '(unknown)'}${since}`]);
  }
  if (holder.state === 'unknown') rows.push(['in use', 'unknown: the operating system does not say']);
  if (refusal !== undefined) rows.push(['warning', `opening it is refused: ${safe(refusal)}`]);
  return rows;
}

function damageLines({ limit }: InspectArguments, { verdict, manifest, damages }: Inspection): string[] {
  if (verdict !== 'damaged') return [];
  const lines = damages.slice(0, limit).flatMap(placeLines);
  if (damages.length > limit) lines.push(`  and ${several(damages.length - limit, 'more place')} (--limit)`);
  return ['', 'Damage', ...lines, '', ...(manifest ? ADVICE : ADVICE_WITHOUT_MANIFEST)];
}

const ADVICE = [
  "Opening it is refused (ERR_SESSION_CORRUPT). Restore a copy; or open it with onCorruption 'fresh', which starts empty and keeps the",
  "files, or with 'salvage', which keeps what can be read and may bring back sessions that were ended.",
];
const ADVICE_WITHOUT_MANIFEST = [
  "Opening it is refused (ERR_SESSION_CORRUPT). Restore a copy; or open it with onCorruption 'fresh', which starts empty and keeps the",
  'files. Without a manifest nothing can be salvaged.',
];

function placeLines({ file, offset, bytes, afterLsn, nextLsn, why }: DamagedPlace): string[] {
  const length = bytes === undefined ? '' : `, ${several(bytes, 'byte')}`;
  const first = `  ${safe(file)} at byte ${count(offset)}${length}: ${safe(why)}`;
  if (afterLsn === 0 && nextLsn === undefined) return [first];
  const next = nextLsn === undefined ? '' : `; record ${count(nextLsn)} or a later one follows`;
  return [first, `    after record ${count(afterLsn)}${next}`];
}
