/** The site of the documentation, made from docs/ as it is. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import GithubSlugger from 'github-slugger';
import { defineConfig } from 'vitepress';
import { filesOf, root } from '../../setup.mjs';

const docs = join(root, 'docs');
const packageUrl = 'https://www.npmjs.com/package/agai-session';

/** The first heading of a page. */
function titleOf(page) {
  return /^# (.*)$/m.exec(readFileSync(join(docs, page), 'utf8'))[1].replaceAll(/[`\\]/g, '');
}

function item(page) {
  return { text: titleOf(page), link: `/${page.replace(/README\.md$/, '').replace(/\.md$/, '')}` };
}

/** The groups of the index, docs/README.md: its second headings, with the pages that each links to, in their order. */
function groups() {
  const [, ...parts] = readFileSync(join(docs, 'README.md'), 'utf8').split(/^## /m);
  return parts.map((part) => {
    const pages = [...part.matchAll(/\]\((?!https?:|\.\.)([^)#]+\.md)\)/g)].map(([, page]) => page);
    return { text: part.slice(0, part.indexOf('\n')), items: [...new Set(pages)].map(item) };
  });
}

/** The pages of the reference, by their folders. */
function reference() {
  const pages = filesOf(['reference'], docs).filter((page) => !page.endsWith('README.md'));
  const entries = { index: 'agai-session', express: 'agai-session/express', testing: 'agai-session/testing' };
  return Object.entries(entries).map(([folder, text]) => ({
    text,
    collapsed: true,
    items: pages.filter((page) => page.startsWith(`reference/${folder}/`)).map(item),
  }));
}

export default defineConfig({
  title: 'agai-session',
  description: 'Sessions for Node.js that survive a kill and never undo a logout',
  srcDir: docs,
  outDir: join(root, 'target', 'docs'),
  cacheDir: join(root, 'target', 'vitepress'),
  cleanUrls: false,
  rewrites: (page) => page.replace(/README\.md$/, 'index.md'),
  // What is outside of docs/ is not on the site; `npm run docs` has checked that it is in the repository.
  ignoreDeadLinks: [
    /^https?:\/\/localhost/,
    /^(?:\.\.\/)+(?:README|ARCHITECTURE|CHANGELOG|index$|examples|LICENSE)/,
    /^\.?\/\.\.\//,
  ],
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  markdown: {
    // The anchors of GitHub, where the same files are read.
    anchor: { slugify: (text) => new GithubSlugger().slug(text) },
    config: (markdown) => {
      const render = markdown.renderer.rules.link_open;
      markdown.renderer.rules.link_open = (tokens, at, ...rest) => {
        const href = tokens[at].attrGet('href') ?? '';
        // Links to files of the repository lead to the package.
        if (isOutside(href, rest[1])) tokens[at].attrSet('href', packageUrl);
        return render(tokens, at, ...rest);
      };
    },
  },
  themeConfig: {
    nav: [
      { text: 'Start', link: '/start' },
      { text: 'Reference', link: '/reference/' },
      { text: 'Options', link: '/options' },
      { text: 'Errors', link: '/errors' },
    ],
    sidebar: [...groups(), ...reference()],
    outline: [2, 3],
    search: { provider: 'local' },
  },
  // The packages of the site are beside this configuration, not beside the pages.
  vite: { server: { fs: { allow: [root] } } },
});

/** Whether a link from a page leads out of docs/. */
function isOutside(href, environment) {
  if (!href.startsWith('.')) return false;
  const folders = (environment?.relativePath ?? '').split('/').length - 1;
  return (/^(?:\.\.\/)*/.exec(href.replace(/^\.\//, ''))?.[0].length ?? 0) / 3 > folders;
}
