// The guard check: each export of the binding runs under `guard`, so that no panic crosses into the engine. `node scripts/guarded.mjs`.
import { fileURLToPath } from 'node:url';
import { bare, textsOf } from './imports.mjs';

/** A function, from its first line to its closing brace: indentation, qualifiers, name, body. rustfmt lays it out like this. */
const FUNCTION = /^( *)((?:[\w()"]+ )*)fn (\w+)[\s\S]*?\{\n([\s\S]*?)^\1\}$/gm;

/** Prints how many exports were checked. Returns those that do not run under `guard`, each as a sentence. */
export function checkGuards() {
  const functions = [...textsOf('crate/node/src', '.rs')].flatMap(([file, text]) => functionsOf(file, bare(text)));
  const exported = functions.filter(({ isExport, isCallback }) => isExport || isCallback);
  // What only calls a guarded function is guarded too.
  const guarded = new Set(['guard']);
  for (let size = 0; size < guarded.size;) {
    size = guarded.size;
    for (const { name, callee } of functions) if (guarded.has(callee)) guarded.add(name);
  }
  console.log(`crate/node/src: ${exported.length} exports`);
  if (exported.length === 0) return ['no exports of the binding were found, so nothing was checked'];
  return exported
    .filter(({ name }) => !guarded.has(name))
    .map(({ file, name }) => `crate/node/src/${file}: ${name} does not run under guard`);
}

function functionsOf(file, text) {
  return [...text.matchAll(FUNCTION)].map(({ index, 1: indent, 2: qualifiers, 3: name, 4: body }) => {
    const before = text.slice(0, index);
    const type = indent && [...before.matchAll(/^impl\b.*?(\w+)(?:<[^{]*>)? \{$/gm)].at(-1)?.[1];
    const isExport = /#\[napi\b[^\]]*\](?:\s*#\[[^\]]*\])*\s*$/.test(before);
    const isCallback = qualifiers.includes('extern');
    return {
      file,
      isExport,
      isCallback,
      name: type ? `${type}.${name}` : name,
      callee: calleeOf(body, type, isCallback),
    };
  });
}

/** The function whose call is the whole body; a callback of Node-API may use the result of the call. */
function calleeOf(body, type, isCallback) {
  const [start, self, name] =
    (isCallback ? /^\s*(?:let \w+ = )?(self\.)?(\w+)\(/ : /^\s*(self\.)?(\w+)\(/).exec(body) ?? [];
  if (start === undefined) return undefined;
  let [end, depth] = [start.length, 1];
  for (; depth > 0; end++) depth += { '(': 1, ')': -1 }[body[end]] ?? 0;
  const isAll = isCallback || body.slice(end).trim() === '';
  return isAll ? `${self ? `${type}.` : ''}${name}` : undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const faults = checkGuards();
  for (const fault of faults) console.error(fault);
  process.exitCode = faults.length > 0 ? 1 : 0;
}
