/** The examples as a newcomer finds them: each has a short README and one command, and is a folder that can be copied. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { apps } from '../helpers/example.js';
import { run } from '../helpers/cli.js';

const root = join(apps, '../..');
const isExample = (name: string) => /^(?!node_modules)\w/.test(name) && existsSync(join(apps, name, 'package.json'));
const names = readdirSync(apps).filter(isExample);
const readJson = (...path: string[]) => JSON.parse(readFileSync(join(...path), 'utf8'));

test('each example has a README of at most five lines, a command, and a spec that runs it', (t) => {
  const folder = join(root, '__test__/examples');
  const specs = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  t.true(names.length >= 14);
  for (const name of names) {
    const lines = readFileSync(join(apps, name, 'README.md'), 'utf8')
      .trim()
      .split('\n');
    t.true(lines.filter((line) => line !== '').length <= 5, `${name}/README.md`);
    const { scripts } = readJson(apps, name, 'package.json');
    t.true('start' in scripts || 'test' in scripts, `${name} has a command`);
    t.true(
      specs.some((spec) => spec.includes(`'${name}'`)),
      `a spec runs ${name}`,
    );
    t.true(
      readFileSync(join(root, 'examples/README.md'), 'utf8').includes(name.replace('express-typescript-', '-')),
      name,
    );
  }
});

test('npm run example lists the examples, and refuses a name that is none of them', async (t) => {
  const script = join(root, 'scripts/examples.mjs');
  const listed = await run(process.execPath, [script]);
  t.is(listed.code, 0);
  for (const name of names) t.regex(listed.stdout, new RegExp(`^  ${name} +[A-Z]`, 'im'));
  const refused = await run(process.execPath, [script, 'no-such-example']);
  t.is(refused.code, 1);
});

test('what an example needs is in its own package.json, so that a copy of the folder can be installed', (t) => {
  for (const name of names) {
    const { dependencies, devDependencies } = readJson(apps, name, 'package.json');
    const declared = Object.keys({ ...dependencies, ...devDependencies });
    t.is(dependencies['agai-session'], `^${readJson(root, 'package.json').version}`, name);
    const sources = readdirSync(join(apps, name), { recursive: true, encoding: 'utf8' }).filter(
      (file) => /\.(js|ts)$/.test(file) && !/^(dist|node_modules)/.test(file),
    );
    for (const file of sources) {
      const text = readFileSync(join(apps, name, file), 'utf8');
      for (const [, path] of text.matchAll(/(?:from |require\()'([^'.][^']*)'/g)) {
        const [first, second] = path!.split('/');
        const wanted = first!.startsWith('@') ? `${first}/${second}` : first!;
        t.true(wanted.startsWith('node:') || declared.includes(wanted), `${name}/${file} imports ${wanted}`);
      }
    }
  }
});
