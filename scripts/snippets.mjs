// The check of the code blocks in README.md and docs: each `js` and `ts` block is compiled as TypeScript, strict, with the oldest and the
// newest supported compiler, against the package as npm would publish it, and then run. `node scripts/snippets.mjs [FILE.md ...]`, or
// `npm test -- --only=snippets`.
//
// Which blocks: those marked `js`, `mjs`, `ts` and `mts` are ECMAScript modules, `cjs` and `cts` CommonJS. A block is one program: it has its
// imports. A `js` block must also compile as it stands, so what needs type annotations is a `ts` block.
//
// What running means: the block ends by itself, without an error, within 20 seconds. Servers listen on a port of their own choice, and get
// one GET request each, which must be answered with less than 500. `console.log(x); // text` is a promise: `text` must be a line of the output.
//
// A comment in the Markdown, on the line before the block, changes this:
//   <!-- snippet: continues -->       the block goes on where the previous block of this file ended: both are one program
//   <!-- snippet: compile -->         the block is compiled and not run (it needs something that is not here)
//   <!-- snippet: skip, REASON -->    the block is not checked
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compile } from './snippets/compile.mjs';
import { blocksOf } from './snippets/extract.mjs';
import { runAll } from './snippets/run.mjs';
import { makeSandbox } from './snippets/sandbox.mjs';
import { filesOf, setup } from './setup.mjs';

/** Checks the blocks of these Markdown files, or of all, in a folder. Returns how many were checked, and the faults, each as a sentence. */
export async function checkSnippets(files = markdownFiles(), folder = 'target/snippets') {
  const blocks = files.flatMap((file) => blocksOf(file, readFileSync(file, 'utf8')));
  const checked = blocks.filter((block) => block.mode !== 'skip');
  const sandbox = makeSandbox(folder);
  const { faults, failed } = await compile(sandbox, checked);
  const runnable = checked.filter((block) => block.mode === 'run' && !failed.has(block));
  faults.push(...(await runAll(sandbox, runnable)));
  console.log(`${checked.length} compiled, ${runnable.length} run, ${blocks.length - checked.length} skipped`);
  if (checked.length === 0) faults.push('no code block was found, so nothing was checked');
  return { checked: checked.length, faults };
}

function markdownFiles() {
  return ['README.md', ...filesOf(['docs'])].filter((file) => file.endsWith('.md'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  setup();
  const named = process.argv.slice(2);
  const { faults } = await checkSnippets(named.length > 0 ? named : undefined);
  for (const fault of faults) console.error(fault);
  process.exitCode = faults.length > 0 ? 1 : 0;
}
