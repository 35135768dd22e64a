/** Runs code blocks as JavaScript, each in a process and a working directory of its own. */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const LIMIT_MS = 20_000;
const AT_ONCE = 2;
const preload = pathToFileURL(fileURLToPath(new URL('preload.mjs', import.meta.url))).href;

/** Runs the blocks; resolves with the faults, each as a sentence. */
export async function runAll(sandbox, blocks) {
  const faults = [];
  const waiting = [...blocks];
  const work = async () => {
    for (let block = waiting.shift(); block; block = waiting.shift()) faults.push(...(await runOne(sandbox, block)));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return faults;
}

async function runOne(sandbox, block) {
  const cwd = join(sandbox, `${block.name}.run`);
  mkdirSync(cwd);
  const extension = block.extension === 'cts' ? 'cjs' : 'mjs';
  const source = block.isTypeScript ? await stripTypes(block) : block.text;
  const program = join(sandbox, `${block.name}.${extension}`);
  writeFileSync(program, `${source}\n`);
  const { code, stdout, stderr } = await node(['--import', preload, program], cwd);
  const where = `${block.file}:${block.line}`;
  if (code !== 0) return [`${where} ended with ${code}: ${stderr.trim()}`];
  return missingLines(block.text, stdout).map((line) => `${where} does not print "${line}", but: ${stdout.trim()}`);
}

/** Removes the types of a block. It has been compiled already, so this only rewrites the text. */
async function stripTypes({ text, extension }) {
  const { default: ts } = await import('typescript-5');
  const module = extension === 'cts' ? ts.ModuleKind.CommonJS : ts.ModuleKind.ESNext;
  return ts.transpileModule(text, { compilerOptions: { module, target: ts.ScriptTarget.ES2022 } }).outputText;
}

/** The promised lines, `console.log(...); // line`, that the output does not have, or not in this order. */
function missingLines(text, stdout) {
  const promised = [...text.matchAll(/console\.log\(.*\);? +\/\/ (.*)$/gm)].map(([, line]) => line.trim());
  const printed = stdout.split('\n').map((line) => line.trim());
  let from = 0;
  return promised.filter((line) => {
    const at = printed.indexOf(line, from);
    if (at >= 0) from = at + 1;
    return at < 0;
  });
}

function node(args, cwd) {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, NODE_OPTIONS: '', NODE_ENV: '', NO_COLOR: '1' };
    const child = spawn(process.execPath, args, { cwd, env, timeout: LIMIT_MS });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code: code ?? `${signal} after ${LIMIT_MS} ms`, stdout, stderr }));
  });
}
