/** Each line of the security list that is built has a test whose title, or whose name in Rust, begins with its number. */
import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';

const FIRST = 1;
const LAST = 50;

const later: readonly string[] = ['S15', 'S16', 'S19', 'S23', 'S37', 'S40', 'S46', 'S47', 'S50'];

/** The numbers with which titles of tests begin, those that are skipped always left out. */
function numbersIn(folder: URL, title: RegExp, ending: string): Set<string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith(ending));
  const texts = files.map((name) => readFileSync(new URL(name, folder), 'utf8'));
  return new Set(texts.flatMap((text) => [...text.matchAll(title)].map(([, number]) => `S${number}`)));
}

test('every line has a test that begins with its number, or is among those for later', (t) => {
  const titles = numbersIn(new URL('./', import.meta.url), /\btest\w*\)?(?:\.serial)?\(\s*['"`]S(\d\d) /gi, '.spec.ts');
  const names = numbersIn(new URL('../../crate/core/src/', import.meta.url), /#\[test\]\s+fn s(\d\d)_/g, '.rs');
  const all = Array.from({ length: LAST - FIRST + 1 }, (_, n) => `S${String(FIRST + n).padStart(2, '0')}`);
  const isTested = (line: string): boolean => titles.has(line) || names.has(line);
  t.deepEqual(
    all.filter((line) => !isTested(line) && !later.includes(line)),
    [],
    'these have no test',
  );
  const built = later.filter(isTested);
  if (built.length > 0) t.log(`no longer for later: ${built}`);
  t.true(titles.size >= 20, 'the titles are found');
});
