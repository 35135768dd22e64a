/** The lines of the demo's own source that make a story, as the page shows them. */
import { readFileSync } from 'node:fs';
import { html } from './html.mjs';

const SOURCES = ['server.mjs', 'app.mjs', 'stories.mjs'];
const REGION = /^[ ]*\/\/ #region (?<name>[\w-]+)\n(?<lines>.*?)\n[ ]*\/\/ #endregion$/gms;
const TOKEN = /(?<comment>\/\/.*)|(?<string>'[^']*')|\b(?<word>const|await|undefined)\b/g;

/** Lines by the name of their region; several regions of one name follow each other. */
const regions = new Map();
for (const source of SOURCES) {
  const text = readFileSync(new URL(source, import.meta.url), 'utf8');
  for (const { groups } of text.matchAll(REGION)) {
    const lines = groups.lines.split('\n').map((line) => line.trim());
    regions.set(groups.name, [...(regions.get(groups.name) ?? []), ...lines]);
  }
}

/** @param {string} name The region's. */
export function snippet(name) {
  const lines = regions.get(name);
  if (!lines) throw new Error(`no region ${name}`);
  return html`<pre class="code" tabindex="0" aria-label="The code"><code>${lines.map(coloured)}</code></pre>`;
}

/** One line, its comments, strings and keywords marked. */
function coloured(line) {
  const parts = [];
  let end = 0;
  for (const match of line.matchAll(TOKEN)) {
    const kind = Object.keys(match.groups).find((name) => match.groups[name]);
    parts.push(line.slice(end, match.index), html`<i class="${kind}">${match[0]}</i>`);
    end = match.index + match[0].length;
  }
  return [...parts, line.slice(end), '\n'];
}
