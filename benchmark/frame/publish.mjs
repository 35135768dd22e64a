// Writes the results: to target/bench for each run, and to the tables and plots of docs/internals/laboratory.md on request.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { fillRows } from '../../scripts/docs/rows.mjs';
import { root } from '../../scripts/setup.mjs';
import { toMarkdown } from './table.mjs';

const folder = join(root, 'target', 'bench');
const page = join(root, 'docs', 'internals', 'laboratory.md');
const summary = join(root, 'docs', 'performance.md');

/** The machine that the figures were measured on. */
export function machine() {
  const { model } = cpus()[0];
  return {
    cores: cpus().length,
    cpu: model.trim(),
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${platform()} ${release()} ${arch()}`,
    node: process.version,
  };
}

/** Writes the results to target/bench. Returns the files. */
export function keep(scale, tables, plots) {
  mkdirSync(folder, { recursive: true });
  const json = join(folder, 'results.json');
  const markdown = join(folder, 'results.md');
  writeFileSync(json, `${JSON.stringify({ scale, machine: machine(), tables }, null, 2)}\n`);
  writeFileSync(markdown, `${tables.map(toMarkdown).join('\n\n')}\n`);
  for (const { name, svg } of plots) writeFileSync(join(folder, `${name}.svg`), svg);
  return [json, markdown];
}

/**
 * Puts each table between its markers in docs/internals/laboratory.md, the plots beside that file, and the rows of docs/performance.md; other
 * tables do not change.
 */
export function publish(scale, tables, plots) {
  if (!existsSync(page)) throw new Error(`${page} is not there`);
  let text = readFileSync(page, 'utf8');
  const { cores, cpu, memory, system, node } = machine();
  const where = `Measured with \`npm run bench${scale === 'full' ? ' -- --full' : ''}\` on ${cores} cores of ${cpu}, ${memory}, ${system}, Node.js ${node}.`;
  for (const table of tables) text = between(text, table.id, `${toMarkdown(table)}\n\n${where}`);
  writeFileSync(page, text);
  writeFileSync(summary, fillRows(readFileSync(summary, 'utf8'), text));
  for (const { name, svg } of plots) writeFileSync(join(root, 'docs', 'internals', `laboratory-${name}.svg`), svg);
}

function between(text, id, content) {
  const [open, close] = [`<!-- ${id} -->`, `<!-- /${id} -->`];
  const start = text.indexOf(open);
  const end = text.indexOf(close);
  if (start < 0 || end < start)
    throw new Error(`docs/internals/laboratory.md has no place for the table ${id}: add ${open} and ${close}`);
  return `${text.slice(0, start + open.length)}\n${content}\n${text.slice(end)}`;
}
