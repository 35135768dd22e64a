/** Text that is safe to print: the contents of a file or a session must not control the terminal. */

/** Control characters, and characters that are invisible or change the direction of the text. */
// oxlint-disable-next-line no-control-regex
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** The text with unsafe characters as `\uXXXX`, which is also valid in a JSON string. */
export function safe(text: string): string {
  return text.replace(UNSAFE, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The same for a text of several lines. */
export function safeLines(text: string): string {
  return text.split('\n').map(safe).join('\n');
}

export function quoted(text: string): string {
  return `'${safe(text)}'`;
}

/** The lines of a table, with aligned columns. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.slice(0, -1).forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, cell.length)));
  }
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
