/** The backend of docs/guides/backend.md, as readers copy it, meets the contract that it explains. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { SessionBackend } from 'agai-session';
import test from 'ava';
import ts from 'typescript-5';
import { backendContract, type OpenBackend } from './backend-contract.js';
import { CONTRACT_USER_LIMIT, userLimitContract, type AtLimit } from './user-limit-contract.js';

type MapBackendClass = new (sessions?: number, atLimit?: AtLimit) => SessionBackend;

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, 'target', `documented-${process.pid}`);
const page = readFileSync(join(root, 'docs/guides/backend.md'), 'utf8');
const [, block] = /^```ts\n(.*?)^```$/ms.exec(page)!;
// The class, without the program that uses it.
const source = `${block!.slice(0, block!.indexOf('const manager = '))}export { MapBackend };\n`;
const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'backend.mjs'), ts.transpileModule(source, { compilerOptions }).outputText);
test.after.always(() => rmSync(folder, { recursive: true, force: true }));
async function open(...limit: ConstructorParameters<MapBackendClass>): Promise<OpenBackend> {
  const written = (await import(pathToFileURL(join(folder, 'backend.mjs')).href)) as { MapBackend: MapBackendClass };
  let now = Date.UTC(2030, 0, 1);
  const backend = Object.assign(new written.MapBackend(...limit), { now: () => now });
  return { backend, advance: (by) => (now += by), close: () => undefined };
}

backendContract(test, 'documented', () => open(), {
  synchronous: false,
  cookieReader: false,
  loneSurrogates: true,
  users: true,
});

userLimitContract(test, 'documented', (atLimit) => open(CONTRACT_USER_LIMIT, atLimit));
