// The layer check: imports between rooms (folders) point one way, and no files import each other in a circle. `node scripts/layers.mjs`.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rustImports, typescriptImports } from './imports.mjs';
import { root } from './setup.mjs';

/** The rooms of `src`, each with the rooms that it may import. `.` is the files of `src` itself, without the entry `index.ts`. */
const typescript = {
  '.': [],
  backend: ['.'],
  disk: ['.', 'backend'],
  store: ['.', 'backend', 'disk'],
  session: ['.', 'backend'],
  response: ['.'],
  manager: ['.', 'backend', 'disk', 'store', 'session', 'response'],
  express: ['.', 'backend', 'store', 'session', 'manager'],
  cli: ['.', 'disk'],
  testing: ['.'],
};

/** The rooms of `crate/core/src`. Calls of `crate::planted`, which plant faults for tests, are allowed everywhere. */
const rust = {
  model: [],
  memory: ['model'],
  format: ['model'],
  disk: [],
  store: ['model', 'memory', 'format'],
  lock: ['model', 'memory', 'format', 'store'],
  journal: ['model', 'memory', 'format', 'store', 'lock', 'disk'],
  face: ['model', 'memory', 'format', 'store', 'lock', 'disk', 'journal'],
  inspect: ['model', 'memory', 'format', 'store', 'lock', 'disk', 'journal', 'face'],
  testing: ['model', 'memory', 'format', 'store', 'lock', 'disk', 'journal', 'face', 'inspect'],
};

const typescriptRoom = (file) => (file.includes('/') ? file.split('/')[0] : '.');
const rustRoom = (file) => file.split('/')[0].replace('.rs', '');

/** Prints how many files were checked. Returns imports upward and circles, each as a sentence. */
export function checkLayers() {
  const faults = check('src', typescriptImports('src'), ['index.ts'], typescriptRoom, typescript);
  if (!existsSync(join(root, 'crate/core/src/model'))) {
    console.log('crate: not checked, because its rooms do not exist yet');
    return faults;
  }
  const core = check('crate/core/src', rustImports('crate/core/src'), ['lib.rs', 'planted.rs'], rustRoom, rust);
  return [...faults, ...core, ...check('crate/node/src', rustImports('crate/node/src'))];
}

/** Checks one folder. `entries` are the files that belong to no room; without a table only circles are found. */
function check(folder, imports, entries = [], roomOf = undefined, rooms = undefined) {
  const pairs = [...imports].flatMap(([file, targets]) => [...targets].map((target) => [file, target]));
  console.log(`${folder}: ${imports.size} files, ${pairs.length} imports`);
  const faults = pairs.length === 0 ? ['no imports were found, so nothing was checked'] : circles(imports);
  if (rooms) {
    const roomless = [...imports.keys()].filter((file) => !entries.includes(file) && !rooms[roomOf(file)]);
    faults.push(...roomless.map((file) => `${file} is in no room of the table`));
    const isUpward = ([file, target]) => {
      if (entries.includes(file) || !rooms[roomOf(file)]) return false;
      return entries.includes(target) || ![roomOf(file), ...rooms[roomOf(file)]].includes(roomOf(target));
    };
    faults.push(...pairs.filter(isUpward).map(([file, target]) => `${file} imports ${target}, which is not below it`));
  }
  return faults.map((fault) => `${folder}: ${fault}`);
}

/** The groups of files that import each other: the strongly connected components, by Tarjan's algorithm. */
function circles(imports) {
  const [index, low, stack, found] = [new Map(), new Map(), [], []];
  const visit = (file) => {
    low.set(file, index.size);
    index.set(file, index.size);
    stack.push(file);
    for (const target of imports.get(file)) {
      if (!index.has(target)) visit(target);
      if (stack.includes(target)) low.set(file, Math.min(low.get(file), low.get(target)));
    }
    if (low.get(file) !== index.get(file)) return;
    const members = stack.splice(stack.indexOf(file));
    if (members.length > 1) found.push(`these files import each other in a circle: ${members.join(', ')}`);
  };
  for (const file of imports.keys()) if (!index.has(file)) visit(file);
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const faults = checkLayers();
  for (const fault of faults) console.error(fault);
  process.exitCode = faults.length > 0 ? 1 : 0;
}
