/** The reference: Markdown pages that typedoc makes from the comments of the public API. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesOf } from '../setup.mjs';
import { outputOf } from './tools.mjs';

/** Writes the pages to a folder, and removes what else is there. */
export function writeReference(folder) {
  const args = [
    '--options',
    'scripts/docs/typedoc.json',
    '--out',
    folder,
    '--logLevel',
    'Warn',
    '--treatWarningsAsErrors',
  ];
  const { status, output } = outputOf('typedoc/bin/typedoc', args);
  if (status !== 0) throw new Error(`the reference cannot be made:\n${output}`);
  for (const file of filesOf(['.'], folder)) {
    const path = join(folder, file);
    writeFileSync(path, tidy(readFileSync(path, 'utf8'), '../'.repeat(file.split('/').length - 1)));
  }
}

/**
 * Leaves out what typedoc says of classes that are not exported, from which the public ones inherit, of `inspect.custom`, and twice: the
 * type that a getter returns is in its signature. `up` leads from the page to docs/.
 */
function tidy(page, up) {
  return page
    .replaceAll(/^#+ (?:Inherited from|Overrides|Extends)\n\n(?:- )?`Store(?:Reads|Writes)[^\n]*\n+/gm, '')
    .replaceAll(/^#+ \\\[custom\\\]\(\)\n[^]*?\n\*\*\*\n+/gm, '')
    .replaceAll(/^#+ Get Signature\n\n(> [^\n]*\n[^]*?)#+ Returns\n\n[^\n]*\n/gm, '$1')
    .replaceAll(/\n{3,}/g, '\n\n')
    .replaceAll('docs/errors.md', `[errors.md](${up}errors.md)`);
}
