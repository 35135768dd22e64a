/** The list of a directory's files in the report. */
import type { FileContents, FileFacts, Inspection } from '../disk/inspection.js';
import { safe, table } from './text.js';
import { ago, count, several, size } from './units.js';

export function fileLines({ files, inspectedAt }: Inspection): string[] {
  return table(
    files.map((file) => [
      safe(file.name),
      file.bytes === undefined ? '-' : size(file.bytes),
      file.modifiedAt === undefined ? '-' : ago(file.modifiedAt, inspectedAt),
      describe(file),
    ]),
  );
}

function describe(file: FileFacts): string {
  const { role, trouble, contents } = file;
  if (trouble !== undefined) return safe(trouble);
  switch (role) {
    case 'manifest':
      return contents?.format === undefined ? 'its header cannot be read' : 'names the files that count';
    case 'snapshot':
    case 'segment':
      return contents ? contentsText(file, contents) : '';
    case 'kept':
      return 'damaged, kept aside';
    case 'torn':
      return 'a torn write that was cut off';
    case 'void':
      return 'unused: the next opening removes it';
    case 'reserve':
      return 'reserved for the ends of sessions on a full disk';
    default:
      return 'names the process that last opened the store';
  }
}

function contentsText({ role, sealed, chained }: FileFacts, contents: FileContents): string {
  const { format, codec, frames, sessions, firstLsn, lastLsn, digestFits, gapCount } = contents;
  if (format === undefined) return 'its header cannot be read';
  if (contents.generation === 0) return `format ${format}, codec ${codec}: of a later version`;
  const parts: string[] = [];
  if (role === 'snapshot') {
    parts.push(`snapshot up to record ${count(contents.startLsn ?? 0)}: ${several(sessions, 'session')}`);
    parts.push(digestFits ? 'digest matches' : digestFits === false ? 'digest does not match' : 'its end is missing');
  } else {
    const range = firstLsn === undefined ? 'no records' : `records ${count(firstLsn)} to ${count(lastLsn ?? firstLsn)}`;
    const kinds = frames.map(({ kind, count: times }) => `${count(times)} ${kind}`).join(', ');
    const state = sealed === undefined ? '' : sealed ? 'sealed ' : 'open ';
    parts.push(`${state}segment: ${range}${kinds && ` (${kinds})`}`);
    if (chained !== undefined) parts.push(chained ? 'chained' : 'does not follow the one before');
  }
  if (gapCount > 0) parts.push(`${several(gapCount, 'place')} that cannot be read`);
  return parts.join('; ');
}
