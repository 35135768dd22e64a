/**
 * Programs of users, compiled by the real compilers in a folder where the package is installed as npm would install it. They are
 * `strict` and check the declarations of the package and of its neighbours as well (no `skipLibCheck`). Where an error belongs, the program
 * says `@ts-expect-error`.
 */
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { compilers, tsc } from '../../scripts/snippets/compile.mjs';
import { installPacked } from '../../scripts/snippets/sandbox.mjs';

const sources = fileURLToPath(new URL('programs', import.meta.url));
const modules = fileURLToPath(new URL('../../node_modules', import.meta.url));
/** Packages whose types or code the programs use. */
const packages = ['@types', 'express', 'zod', 'valibot', 'arktype', '@ark', 'arkregex', '@standard-schema'];

interface Setting {
  readonly compiler: keyof typeof compilers;
  readonly extension: 'ts' | 'mts' | 'cts';
  readonly options: Readonly<Record<string, unknown>>;
}

const base = { target: 'es2022', lib: ['es2023'], types: ['node'], strict: true, noEmit: true };
const nodenext = { module: 'nodenext' };
/** Every program is compiled in these settings. */
const all: Readonly<Record<string, Setting>> = {
  'the oldest TypeScript': { compiler: 'oldest', extension: 'mts', options: nodenext },
  'the newest TypeScript': { compiler: 'newest', extension: 'mts', options: nodenext },
};
/** Other ways to find the package: the program of one user is enough to see that each entry is found, with the main one. */
const others: Readonly<Record<string, Setting>> = {
  'the oldest TypeScript, CommonJS': { compiler: 'oldest', extension: 'cts', options: nodenext },
  'the oldest TypeScript, moduleResolution node': {
    compiler: 'oldest',
    extension: 'ts',
    options: { module: 'commonjs', moduleResolution: 'node10', esModuleInterop: true },
  },
  'the newest TypeScript, CommonJS': { compiler: 'newest', extension: 'cts', options: nodenext },
  'the newest TypeScript, moduleResolution bundler': {
    compiler: 'newest',
    extension: 'ts',
    options: { module: 'preserve', moduleResolution: 'bundler' },
  },
};

let folder: string;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'agai-session-types-'));
  await mkdir(join(folder, 'node_modules'));
  installPacked(join(folder, 'node_modules', 'agai-session'));
  for (const name of packages) await symlink(join(modules, name), join(folder, 'node_modules', name), 'junction');
  await writeFile(join(folder, 'package.json'), '{ "private": true }');
});

test.after.always(() => rm(folder, { recursive: true, force: true }));

/** Compiles files as one program, in a folder of its own. Returns what the compiler has to say. */
async function compile(files: readonly string[], { compiler, extension, options }: Setting): Promise<string> {
  const program = await mkdtemp(join(folder, 'program-'));
  const names = files.map((file) => basename(file, '.ts'));
  for (const [index, file] of files.entries()) {
    const text = await readFile(join(sources, file), 'utf8');
    const own = text.replaceAll(/\.\S*\/same\.js'/g, `./same.${extension.replace('ts', 'js')}'`);
    await writeFile(join(program, `${names[index]}.${extension}`), own);
  }
  const compilerOptions = { ...base, ...options };
  const config = { compilerOptions, files: names.map((name) => `${name}.${extension}`) };
  await writeFile(join(program, 'tsconfig.json'), JSON.stringify(config));
  const { code, output } = await tsc(compilers[compiler], 'tsconfig.json', program);
  return code === 0 ? '' : output || `ended with ${code}`;
}

const alone = readdirSync(join(sources, 'alone')).map((name) => [`alone/${name}`]);
const newest = [['newest/schema.ts', 'together/same.ts']];
const together = readdirSync(join(sources, 'together')).map((name) => `together/${name}`);

for (const [name, setting] of Object.entries(all)) {
  // zod and arktype need a newer TypeScript than this package.
  const programs = name === 'the newest TypeScript' ? [together, ...alone, ...newest] : [together, ...alone];
  for (const files of programs) {
    const what = files.map((file) => basename(file, '.ts')).join(', ');
    // One at a time: a compiler takes both processors.
    test.serial(`${name}: ${what}`, async (t) => {
      t.is(await compile(files, setting), '');
    });
  }
  test.serial(`${name} is asked: a program with an error does not pass`, async (t) => {
    const output = await compile(['wrong.ts'], setting);
    t.regex(output, /wrong\.mts\(4,\d+\): error TS2551: Property 'toFixed' does not exist on type 'string'/);
    t.is(output.match(/error TS/g)?.length, 1);
  });
}

for (const [name, setting] of Object.entries(others)) {
  test.serial(`${name}: both entries are found, and the main one with each`, async (t) => {
    t.is(await compile(['alone/express-alone.ts'], setting), '');
    t.is(await compile(['alone/testing-alone.ts'], setting), '');
  });
}
