/** The rows of docs/performance.md, taken from the tables of the laboratory, so that no figure is written down twice. */

const OPEN = '<!-- rows: npm run docs -- --reference writes them from internals/laboratory.md -->';
const CLOSE = '<!-- /rows -->';

/**
 * What is compared: what it is, a table of the laboratory, its column by name or number, the row of the peer, the unit; the row of this
 * package if it is another one, and whether the higher figure is the better one.
 */
const ROWS = [
  ['a request that does not use its session', 'middleware', 'untouched', 'express-session + MemoryStore', 'us'],
  ['a request that reads its session', 'middleware', 'read', 'express-session + MemoryStore', 'us'],
  ['a request that changes its session', 'middleware', 'write', 'express-session + MemoryStore', 'us'],
  ['a request that changes its session', 'middleware', 'write', 'cookie-session', 'us'],
  ['a visitor without a session', 'middleware', 'anonymous', 'express-session + MemoryStore', 'us'],
  [
    'memory of a session beyond its data, of a million',
    'residence-1000000',
    0,
    'express-session + MemoryStore',
    'bytes',
  ],
  [
    'garbage collection with a million sessions',
    'residence-1000000',
    2,
    'express-session + MemoryStore',
    'ms a second',
  ],
  ['the event loop stops when a million sessions expire', 'mass-expiry', 0, 'memorystore, prune', 'ms'],
  [
    'writes a second that survive a loss of power',
    'durable-commits',
    0,
    'better-sqlite3, WAL, FULL',
    '',
    "agai-session 'disk'",
    'higher',
  ],
  [
    'writes a second that survive the end of the process',
    'durable-commits',
    0,
    'better-sqlite3, WAL, NORMAL',
    '',
    "agai-session 'os'",
    'higher',
  ],
];

/** The text of docs/performance.md with the rows that the text of the laboratory has. */
export function fillRows(page, laboratory) {
  const [start, end] = [page.indexOf(OPEN), page.indexOf(CLOSE)];
  if (start < 0 || end < start)
    throw new Error(`docs/performance.md has no place for its rows: add ${OPEN} and ${CLOSE}`);
  const lines = ROWS.map((row) => lineOf(row, laboratory));
  const head = '| what | agai-session | beside it | |\n| --- | --- | --- | --- |';
  return `${page.slice(0, start + OPEN.length)}\n\n${head}\n${lines.join('\n')}\n\n${page.slice(end)}`;
}

function lineOf([what, id, column, peer, unit, own = 'agai-session', better = 'lower'], laboratory) {
  const table = tableOf(id, laboratory);
  const [ours, theirs] = [cellOf(table, own, column), cellOf(table, peer, column)];
  const [small, large] = [ours, theirs].map(numberOf).toSorted((a, b) => a - b);
  const wins = better === 'higher' ? numberOf(ours) === large : numberOf(ours) === small;
  const factor = large / small;
  const times = `${factor < 10 ? factor.toFixed(1) : Math.round(factor)} times ${better === 'higher' ? 'more' : 'less'}`;
  const named = own === 'agai-session' ? '' : ` (${own.replace('agai-session ', '').replaceAll("'", '`')})`;
  const measured = (figure) => [figure, unit].filter(Boolean).join(' ');
  return `| ${what} | ${measured(ours)}${named} | ${measured(theirs)}: ${peer} | ${wins ? times : ''} |`;
}

/** The rows of a table between its markers, as cells by the name in the first column; the head is that of the empty name. */
function tableOf(id, laboratory) {
  const [, text] = laboratory.split(`<!-- ${id} -->`);
  if (text === undefined) throw new Error(`docs/internals/laboratory.md has no table ${id}`);
  const rows = text.slice(0, text.indexOf(`<!-- /${id} -->`)).split('\n');
  const cells = rows
    .filter((row) => row.startsWith('|'))
    .map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  return new Map(cells.toReversed().map(([name, ...rest]) => [name, rest]));
}

/** A cell without its range: the median. */
function cellOf(table, name, column) {
  const at = typeof column === 'number' ? column : table.get('')?.indexOf(column);
  const cell = table.get(name)?.[at];
  if (cell === undefined) throw new Error(`docs/internals/laboratory.md has no figure ${column} of ${name}`);
  return cell.replace(/ \(.*\)$/, '');
}

function numberOf(cell) {
  return Number(cell.replaceAll(',', ''));
}
