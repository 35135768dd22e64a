// The tables of results. A table has an `id`, a `title`, a `unit`, `columns`, `rows` of a name and one summary (or null) for each column, and
// `goals`, each with its bound, the measured value and whether it is met.
import { summary } from './statistics.mjs';

/** Makes a table from figures by row and column: `{ [row]: { [column]: number[] } }`. */
export function tableOf({ figures, ...facts }) {
  const columns = [...new Set(Object.values(figures).flatMap((row) => Object.keys(row)))];
  const rows = Object.entries(figures).map(([name, row]) => ({
    name,
    cells: columns.map((column) => (row[column]?.length > 0 ? summary(row[column]) : null)),
  }));
  return { goals: [], ...facts, columns, rows };
}

/** The median of a cell, or undefined where nothing was measured. */
export function cellOf({ columns, rows }, row, column) {
  return rows.find(({ name }) => name === row)?.cells[columns.indexOf(column)]?.median;
}

/** @throws Error if a row of this package is missing or empty. */
export function checkTable({ id, columns, rows }) {
  const isOurs = ({ name }) => name.includes('agai-session');
  const bad = rows.filter(({ cells }) =>
    cells.some((cell) => cell && !Number.isFinite(cell.median + cell.low + cell.high)),
  );
  if (bad.length > 0) throw new Error(`${id}: no numbers for ${bad.map(({ name }) => name).join(', ')}`);
  const rowsOfOurs = rows.some(isOurs) ? rows.filter(isOurs) : rows;
  const empty = rowsOfOurs.every(({ cells }) => cells.every((cell) => cell === null));
  if (empty || columns.length === 0) throw new Error(`${id}: nothing was measured`);
}

/** A goal with an upper (or, with `atLeast`, a lower) bound; undefined if nothing was measured to compare with it. */
export function goalOf(what, measured, bound, { unit = '', atLeast = false } = {}) {
  if (!Number.isFinite(measured) || !Number.isFinite(bound)) return undefined;
  const met = atLeast ? measured >= bound : measured <= bound;
  return {
    what,
    goal: `${atLeast ? '>=' : '<='} ${format(bound)}${unit}`,
    measured: `${format(measured)}${unit}`,
    met,
  };
}

/** Formats a number with three significant digits and grouped thousands. */
export function format(value) {
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(size >= 10 ? 1 : 2);
}

function showCell(cell) {
  return cell ? `${format(cell.median)} (${format(cell.low)} to ${format(cell.high)})` : '';
}

function markdownTable(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export function toMarkdown({ title, unit, columns, rows, goals }) {
  const body = markdownTable(
    ['', ...columns],
    rows.map(({ name, cells }) => [name, ...cells.map(showCell)]),
  );
  const parts = [`**${title}** (${unit})`, body];
  if (goals.length > 0) {
    const lines = goals.map(({ what, goal, measured, met }) => [what, goal, measured, met ? 'yes' : 'no']);
    parts.push(markdownTable(['goal', 'at most or least', 'measured', 'met'], lines));
  }
  return parts.join('\n\n');
}
