// Measures this package beside others: `npm run bench`.
//   --full          more sizes, more sessions, more rounds: takes an hour or two, and 16 GiB of memory
//   --smoke         a few seconds, only to check that everything works
//   --only NAME     one measurement (repeat for several)
//   --before DIR    beside another version of this package, checked out and built in DIR, and few others
//   --publish       also updates the tables and plots in docs/
// Results go to target/bench. docs/internals/laboratory.md says how each is measured.
import { parseArgs } from 'node:util';
import { LeftOut } from './frame/child.mjs';
import { bars, lines } from './frame/plot.mjs';
import { keep, publish } from './frame/publish.mjs';
import { scales } from './frame/scale.mjs';
import { checkTable, toMarkdown } from './frame/table.mjs';

const { values } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    smoke: { type: 'boolean', default: false },
    publish: { type: 'boolean', default: false },
    before: { type: 'string' },
    only: { type: 'string', multiple: true },
  },
});
// Before the candidates are loaded, here and in their processes.
if (values.before) process.env.AGAI_SESSION_BEFORE = values.before;
const { measurements } = await import('./measure/all.mjs');
const only = values.only ?? Object.keys(measurements);
const unknown = only.filter((name) => !Object.hasOwn(measurements, name));
if (unknown.length > 0) {
  console.error(`no measurement ${unknown.join(', ')}: there are ${Object.keys(measurements).join(', ')}`);
  process.exit(2);
}
const scale = values.smoke ? scales.smoke : values.full ? scales.full : scales.quick;
/** The result of a measurement; nothing if something that it needs is not installed. */
async function measured(name) {
  try {
    return await measurements[name](scale);
  } catch (error) {
    if (!(error instanceof LeftOut)) throw error;
    console.log(`  left out: ${error.message}`);
    return { tables: [] };
  }
}

const tables = [];
const plots = [];
for (const name of only) {
  console.log(`${name}`);
  const result = await measured(name);
  result.tables.forEach(checkTable);
  for (const table of result.tables) console.log(`\n${toMarkdown(table)}\n`);
  tables.push(...result.tables);
  for (const { name, table, column } of result.bars ?? []) plots.push({ name, svg: bars(table, column) });
  for (const { name, table, across } of result.lines ?? []) plots.push({ name, svg: lines(table, across) });
}
const drawn = plots.filter(({ svg }) => svg !== undefined);
for (const file of keep(scale.name, tables, drawn)) console.log(file);
if (values.publish) publish(scale.name, tables, drawn);
