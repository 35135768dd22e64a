/** The checks of the documentation: every link leads somewhere, and what is generated is up to date. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filesOf, root } from '../setup.mjs';
import { writeReference } from './reference.mjs';
import { fillRows } from './rows.mjs';
import { outputOf } from './tools.mjs';

const REFERENCE = 'docs/reference';
const PERFORMANCE = join(root, 'docs', 'performance.md');
const LABORATORY = join(root, 'docs', 'internals', 'laboratory.md');
/** Where links are checked, besides everything in docs. */
const PAGES = ['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'examples'];

/** Writes what is generated: the reference, and the rows of docs/performance.md from the tables of the laboratory. */
export function writeGenerated() {
  writeReference(join(root, REFERENCE));
  writeFileSync(PERFORMANCE, currentRows());
}

/** Returns the faults, each as a sentence. */
export function checkDocs() {
  return [...deadLinks(), ...staleReference(), ...staleRows()];
}

function deadLinks() {
  const args = [
    '--no-config',
    '--rc-path',
    'scripts/docs/remarkrc.mjs',
    '--no-stdout',
    '--frail',
    '--quiet',
    '--no-color',
  ];
  const pages = [...PAGES, 'docs'].flatMap((page) => filesOf([page])).filter(isPage);
  const { status, output } = outputOf('remark-cli/cli.js', [...args, ...pages]);
  return status === 0 ? [] : [`links of the documentation:\n${output}`];
}

/** Whether a file is a page of ours: not of an installed package, nor in a hidden folder, such as the copy that the examples install. */
function isPage(file) {
  return file.endsWith('.md') && !/(^|[\\/])(node_modules|\.[^\\/]+)[\\/]/.test(file);
}

function staleReference() {
  const fresh = mkdtempSync(join(tmpdir(), 'agai-session-reference-'));
  try {
    writeReference(fresh);
    const [written, wanted] = [textsOf(REFERENCE, root), textsOf('.', fresh)];
    const names = new Set([...written.keys(), ...wanted.keys()]);
    const stale = [...names].filter((name) => written.get(name) !== wanted.get(name));
    return stale.map((name) => `${REFERENCE}/${name} is not what the comments in src say: npm run docs -- --reference`);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** The texts of the files at or below a path, by their names relative to it. */
function textsOf(path, base) {
  const files = filesOf([path], base);
  return new Map(files.map((file) => [file.slice(path.length + 1), readFileSync(join(base, file), 'utf8')]));
}

function staleRows() {
  const fresh = readFileSync(PERFORMANCE, 'utf8') === currentRows();
  return fresh
    ? []
    : ['docs/performance.md has other figures than docs/internals/laboratory.md: npm run docs -- --reference'];
}

function currentRows() {
  return fillRows(readFileSync(PERFORMANCE, 'utf8'), readFileSync(LABORATORY, 'utf8'));
}
