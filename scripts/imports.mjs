// The imports between the source files of a folder, as a map from each file to the files that it imports. It reads the text with regular
// expressions and ignores macros and conditional compilation, which is good enough for the layer check (layers.mjs).
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { filesOf, root } from './setup.mjs';

/** The texts of the files of a folder, by their paths below it. */
export function textsOf(folder, extension) {
  const files = filesOf([folder]).filter((file) => file.endsWith(extension));
  return new Map(files.map((file) => [file.slice(folder.length + 1), readFileSync(join(root, file), 'utf8')]));
}

/** `export type {} from` imports nothing: it only brings a file into the programs of users. */
export function typescriptImports(folder) {
  const texts = textsOf(folder, '.ts');
  return mapOf(texts, (file, text) =>
    [...text.replaceAll('export type {} from', '').matchAll(/\b(?:from|import|import\()\s*'(\.[^']*)\.js'/g)]
      .map(([, path]) => `${posix.join(posix.dirname(file), path)}.ts`)
      .filter((target) => texts.has(target)),
  );
}

/** The imports of a Rust folder, without those of test code and the calls of `crate::planted`. */
export function rustImports(folder) {
  const isTest = (file) => /(^|\/)(testing|tests)(\.rs$|\/)/.test(file);
  const texts = new Map(
    [...textsOf(folder, '.rs')].filter(([file]) => !isTest(file)).map(([file, text]) => [file, bare(text)]),
  );
  const modules = new Map([...texts].map(([file, text]) => [moduleOf(file), { file, ...parse(text) }]));
  return mapOf(texts, (file) => {
    const own = moduleOf(file);
    return modules
      .get(own)
      .paths.filter((path) => !path.startsWith('crate::planted'))
      .map((path) => resolve(modules, own, path)?.file);
  });
}

/** The path of a file's module below the crate: `store/write.rs` and `store/write/mod.rs` are `store::write`. */
function moduleOf(file) {
  return file.replace(/(^|\/)(lib|mod)\.rs$|\.rs$/, '').replaceAll('/', '::');
}

/** A Rust text without comments, contents of strings, and items under `#[cfg(test)]`. */
export function bare(text) {
  return text
    .replace(/r(#+)"[\s\S]*?"\1|"(?:\\.|[^"\\])*"|'\\?"'|\/\/.*$/gm, (found) => (found.startsWith('/') ? '' : '""'))
    .replace(/^( *)#\[cfg\((?:all\()?test\b[^\n]*\)\]\n(?:\1#\[.*\n)*\1[^\n]*(?:;\n|\{\n[\s\S]*?^\1\}\n)/gm, '');
}

/** The paths that a text uses, and the names that it re-exports. A re-export is not an import: it counts where the name is used. */
function parse(text) {
  const children = [...text.matchAll(/\bmod (\w+);/g)].map(([, name]) => name);
  const [paths, aliases] = [[], new Map()];
  const rest = text.replace(/\b(pub(?:\([^)]*\))? )?use ([^;]+);/g, (_, isPublic, tree) => {
    for (const path of expand(tree.replace(/\s+/g, ' '))) {
      const [target, name = target.split('::').at(-1)] = path.split(' as ');
      if (isPublic) aliases.set(name, target);
      else paths.push(target);
    }
    return '';
  });
  const starts = ['crate', 'self', 'super', ...children].join('|');
  paths.push(...[...rest.matchAll(new RegExp(`(?<![\\w:])(?:${starts})(?:::\\w+)+`, 'g'))].map(([path]) => path));
  return { children, paths, aliases };
}

/** `a::{b, c::{d}}` as `a::b` and `a::c::d`. */
function expand(tree) {
  const open = tree.indexOf('{');
  if (open < 0) return [tree.trim()];
  const [parts, prefix] = [[''], tree.slice(0, open).trim()];
  let depth = 0;
  for (const char of tree.slice(open + 1, tree.lastIndexOf('}'))) {
    depth += char === '{' ? 1 : char === '}' ? -1 : 0;
    if (char === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += char;
  }
  return parts.filter((part) => part.trim()).flatMap((part) => expand(part).map((path) => prefix + path));
}

/** The module that a path leads to from a module, through re-exports; `undefined` if it leads out of the crate. */
function resolve(modules, from, path, depth = 0) {
  const names = path.split('::');
  let at = names[0] === 'crate' ? '' : from;
  if (names[0] === 'crate' || names[0] === 'self') names.shift();
  else if (names[0] !== 'super' && !modules.get(from).children.includes(names[0])) return undefined;
  for (; names[0] === 'super'; names.shift()) at = at.replace(/(^|::)\w+$/, '');
  for (const name of names) {
    const { aliases, file } = modules.get(at);
    const child = at === '' ? name : `${at}::${name}`;
    if (modules.has(child)) at = child;
    else if (aliases.has(name) && depth < 8) return resolve(modules, at, aliases.get(name), depth + 1) ?? { file };
    else break;
  }
  return modules.get(at);
}

/** A map from each file to the others that `targetsOf` finds. */
function mapOf(texts, targetsOf) {
  const targets = (file, text) =>
    new Set(targetsOf(file, text).filter((target) => target !== undefined && target !== file));
  return new Map([...texts].map(([file, text]) => [file, targets(file, text)]));
}
