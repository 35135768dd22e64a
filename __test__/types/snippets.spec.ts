/** The check of the code blocks in the documentation notices what readers would stumble over. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { blocksOf } from '../../scripts/snippets/extract.mjs';
import { checkSnippets } from '../../scripts/snippets.mjs';

const fence = '```';

function block(language: string, ...lines: readonly string[]): string {
  return [`${fence}${language}`, ...lines, fence, ''].join('\n');
}

const importStore = "import { SessionStore } from 'agai-session';";
const listen = (answer: string): string =>
  `createServer((req, res) => { res.statusCode = ${answer}; res.end(); }).listen(3000);`;

test.serial('each fault of a block is told with its line, and what is right is not', async (t) => {
  const markdown = [
    '# A page',
    block('js', importStore, "console.log(new SessionStore().create({}, { uid: 'ann' }).uid); // ann"),
    block('js', importStore, 'new SessionStore({ maxSession: 5 });'), // an error of types
    block('js', importStore, 'console.log(new SessionStore().size); // 1'), // it prints 0
    block('js', "import { createServer } from 'node:http';", listen('500')),
    block('js', "import { createServer } from 'node:http';", listen('404')),
    block('js', importStore, "new SessionStore().get('x').data;"), // it may be undefined
    block('ts', 'const text: string = 5 as never;', 'throw new Error(text);'), // it fails when it runs
    '<!-- snippet: skip, there is no such package -->',
    block('js', "import nothing from 'there-is-no-such-package';"),
    '<!-- snippet: compile -->',
    block('js', "throw new Error('not to be run');"),
  ].join('\n');
  const folder = mkdtempSync(join(tmpdir(), 'agai-session-snippets-'));
  const page = join(folder, 'page.md');
  writeFileSync(page, markdown);
  const { checked, faults } = await checkSnippets([page], `target/snippets-spec-${process.pid}`);
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true });
    rmSync(`target/snippets-spec-${process.pid}`, { recursive: true, force: true });
  });
  t.is(checked, 8);
  const told = faults.map((fault: string) => fault.slice(page.length)).toSorted();
  t.regex(told.join('\n'), /^:13 does not print "1", but: 0$/m);
  t.regex(told.join('\n'), /^:18 ended with 1: .*GET \/ was answered with 500$/m);
  t.regex(told.join('\n'), /^:29: error TS2532: Object is possibly 'undefined'\. \(oldest, newest\)$/m);
  t.regex(told.join('\n'), /^:33 ended with 1: /m);
  t.regex(told.join('\n'), /^:9: error TS.*maxSession.*\(oldest, newest\)$/m);
  t.is(faults.length, 5);
});

test('a block continues the one before it, with the lines of the page, and a comment that means nothing is refused', (t) => {
  const first = block('js', 'const a = 1;');
  const [joined, ...others] = blocksOf('page.md', `${first}\n<!-- snippet: continues -->\n\n${block('ts', 'a + 1;')}`);
  t.is(others.length, 0);
  t.like(joined, { line: 2, isTypeScript: true, mode: 'run', text: '\nconst a = 1;\n\n\n\n\n\na + 1;' });
  t.deepEqual(blocksOf('page.md', block('sh', 'npm install')), []);
  t.throws(() => blocksOf('page.md', `<!-- snippet: later -->\n${first}`), {
    message: /^page\.md:2: "later" is neither/,
  });
  t.throws(() => blocksOf('page.md', `<!-- snippet: skip -->\n${first}`), { message: /"skip" is neither/ });
  t.throws(() => blocksOf('page.md', `<!-- snippet: continues -->\n${first}`), { message: /there is none before it/ });
});
