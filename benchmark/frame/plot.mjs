// Plots as SVG, readable on light and on dark pages.
import { format } from './table.mjs';

const COLORS = ['#d9480f', '#1971c2', '#2f9e44', '#9c36b5', '#e8a100', '#0c8599', '#868e96', '#c2255c'];
const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #24292f; }
  .title { font-weight: 600; }
  .grid { stroke: #d0d7de; }
  @media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .grid { stroke: #3d444d; } }`;
const WIDTH = 760;

const escape = (text) => String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const text = (x, y, words, more = '') => `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}"${more}>${escape(words)}</text>`;
const line = (x1, y1, x2, y2) =>
  `<line class="grid" x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}"/>`;

/** The size at which a title fits into the width; a bold letter is about 0.6 of its size wide. */
function titleSize(title) {
  return Math.min(14, Math.floor((WIDTH - 24) / (0.6 * title.length)));
}

function page(height, title, parts) {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escape(title)}">`,
    `<style>${STYLE}\n</style>`,
    text(12, 22, title, ` class="title" style="font-size: ${titleSize(title)}px"`),
    ...parts,
    '</svg>\n',
  ].join('\n');
}

/** The powers of ten around the values. */
function decades(values) {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  return Array.from({ length: high - low + 1 }, (_, n) => low + n);
}

/** A plot of one column of a table: a bar for each row, on a logarithmic scale. */
export function bars({ title, unit, columns, rows }, column) {
  const at = columns.indexOf(column);
  const shown = rows.flatMap(({ name, cells }) => (cells[at]?.median > 0 ? [{ name, value: cells[at].median }] : []));
  if (shown.length === 0) return undefined;
  const [left, right, top, step] = [230, WIDTH - 80, 44, 26];
  const scale = decades(shown.map(({ value }) => value));
  const x = (value) => left + ((Math.log10(value) - scale[0]) / (scale.at(-1) - scale[0])) * (right - left);
  const bottom = top + shown.length * step;
  const parts = scale.flatMap((power) => [
    line(x(10 ** power), top, x(10 ** power), bottom),
    text(x(10 ** power), bottom + 16, (10 ** power).toLocaleString('en-US'), ' text-anchor="middle"'),
  ]);
  for (const [row, { name, value }] of shown.entries()) {
    const y = top + row * step;
    const color = name.startsWith('agai-session') ? COLORS[0] : COLORS[6];
    const width = Math.max(2, x(value) - left);
    parts.push(
      text(left - 8, y + 16, name, ' text-anchor="end"'),
      `<rect x="${left}" y="${y + 4}" width="${width.toFixed(1)}" height="${step - 8}" fill="${color}"/>`,
      text(left + width + 6, y + 16, format(value)),
    );
  }
  return page(bottom + 26, `${title}: ${column} (${unit})`, parts);
}

/** A plot of a table whose columns are numbers: a line for each row, on logarithmic scales. */
export function lines({ title, unit, columns, rows }, across) {
  const xs = columns.map((column) => Number(column.replaceAll(',', '')));
  const points = rows.map(({ name, cells }) => ({
    name,
    points: cells.flatMap((cell, n) => (cell?.median > 0 ? [[xs[n], cell.median]] : [])),
  }));
  const all = points.flatMap(({ points }) => points.map(([, value]) => value));
  if (all.length === 0) return undefined;
  const [left, right, top, bottom] = [70, WIDTH - 20, 44, 330];
  const [across10, up10] = [decades(xs), decades(all)];
  const x = (value) => left + ((Math.log10(value) - across10[0]) / (across10.at(-1) - across10[0])) * (right - left);
  const y = (value) => bottom - ((Math.log10(value) - up10[0]) / (up10.at(-1) - up10[0])) * (bottom - top);
  const parts = [
    ...up10.flatMap((power) => [
      line(left, y(10 ** power), right, y(10 ** power)),
      text(left - 6, y(10 ** power) + 4, (10 ** power).toLocaleString('en-US'), ' text-anchor="end"'),
    ]),
    ...across10.map((power) =>
      text(x(10 ** power), bottom + 18, (10 ** power).toLocaleString('en-US'), ' text-anchor="middle"'),
    ),
    text((left + right) / 2, bottom + 36, across, ' text-anchor="middle"'),
  ];
  for (const [n, { name, points: own }] of points.entries()) {
    const color = COLORS[n % COLORS.length];
    const path = own.map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`).join(' ');
    const legend = bottom + 58 + Math.floor(n / 3) * 20;
    const start = left + (n % 3) * 225;
    parts.push(
      `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="2.5"/>`,
      ...own.map(([a, b]) => `<circle cx="${x(a).toFixed(1)}" cy="${y(b).toFixed(1)}" r="3.5" fill="${color}"/>`),
      `<rect x="${start}" y="${legend - 10}" width="12" height="12" fill="${color}"/>`,
      text(start + 18, legend, name),
    );
  }
  return page(bottom + 66 + Math.ceil(points.length / 3) * 20, `${title} (${unit})`, parts);
}
