/** The code blocks of a Markdown file. */

const LANGUAGES = { js: 'mts', mjs: 'mts', ts: 'mts', mts: 'mts', cjs: 'cts', cts: 'cts' };

/**
 * The blocks of JavaScript and TypeScript in a Markdown text, as `{ file, line, name, extension, isScript, mode, text }`. `line` is that of
 * its first line of code; `text` has as many empty lines before it, so that a compiler's line numbers are those of the Markdown file. `mode`
 * is `run`, `compile` or `skip`.
 */
export function blocksOf(file, markdown) {
  const lines = markdown.split('\n');
  const blocks = [];
  let before = '';
  for (let at = 0; at < lines.length; at += 1) {
    const fence = /^(\s*)(`{3,}|~{3,})\s*([\w-]*)/.exec(lines[at]);
    if (!fence) {
      if (lines[at].trim() !== '') before = lines[at].trim();
      continue;
    }
    const [, indent, ticks, language] = fence;
    const start = at + 1;
    at = start;
    while (at < lines.length && lines[at].trim() !== ticks) at += 1;
    if (Object.hasOwn(LANGUAGES, language)) {
      const code = lines.slice(start, at).map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line));
      add(blocks, block(file, start + 1, language, code, instruction(file, start, before)));
    }
    before = '';
  }
  return blocks;
}

function block(file, line, language, code, { mode, continues }) {
  const isTypeScript = language.endsWith('ts');
  return {
    file,
    line,
    name: `${file.replaceAll(/[^\w]+/g, '-')}-${line}`,
    extension: LANGUAGES[language],
    isTypeScript,
    mode,
    continues,
    text: '\n'.repeat(line - 1) + code.join('\n'),
  };
}

/** Adds a block, or joins it to the one that it continues. */
function add(blocks, next) {
  const previous = blocks.at(-1);
  if (!next.continues) {
    blocks.push(next);
    return;
  }
  if (!previous) throw new Error(`${next.file}:${next.line} continues a block, but there is none before it`);
  const missing = next.line - 1 - previous.text.split('\n').length;
  previous.text += '\n'.repeat(missing + 1) + next.text.slice(next.line - 1);
  previous.isTypeScript ||= next.isTypeScript;
  if (next.mode !== 'run') previous.mode = next.mode;
}

/** What the comment before a block says. @throws Error for a comment that says something else. */
function instruction(file, line, before) {
  const comment = /^<!--\s*snippet:(.*)-->$/.exec(before)?.[1].trim();
  if (comment === undefined) return { mode: 'run', continues: false };
  if (comment === 'continues') return { mode: 'run', continues: true };
  if (comment === 'compile') return { mode: 'compile', continues: false };
  if (/^skip, \S/.test(comment)) return { mode: 'skip', continues: false };
  throw new Error(`${file}:${line}: "${comment}" is neither "continues" nor "compile" nor "skip, REASON"`);
}
