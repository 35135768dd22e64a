/** Compiles code blocks with the real compilers. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../setup.mjs';

/** The oldest supported compiler and the newest, as they are installed here. */
export const compilers = {
  oldest: join(root, 'node_modules/typescript-5/bin/tsc'),
  newest: join(root, 'node_modules/typescript/bin/tsc'),
};

const COMPILER_OPTIONS = {
  module: 'nodenext',
  target: 'es2022',
  lib: ['es2023'],
  types: ['node'],
  strict: true,
  skipLibCheck: true,
  noEmit: true,
};

/** Compiles all blocks with each compiler; returns the faults, each as a sentence, and the blocks that have any. */
export async function compile(sandbox, blocks) {
  for (const block of blocks) writeFileSync(join(sandbox, sourceName(block)), `${block.text}\n`);
  /** The compilers that report each fault. */
  const faults = new Map();
  const failed = new Set();
  const note = (fault, age) => faults.set(fault, [...(faults.get(fault) ?? []), age]);
  for (const [age, compiler] of Object.entries(compilers)) {
    for (const [index, program] of programsOf(blocks).entries()) {
      const config = join(sandbox, `tsconfig.${age}.${index}.json`);
      writeFileSync(config, JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files: program.map(sourceName) }));
      const { code, output } = await tsc(compiler, config, sandbox);
      if (code === 0) continue;
      const found = errorsOf(output, program);
      for (const { block } of found) failed.add(block);
      for (const { message } of found) note(message, age);
      if (found.length === 0) note(output, age);
    }
  }
  return { faults: [...faults].map(([fault, ages]) => `${fault} (${ages.join(', ')})`), failed };
}

/** The maximum time of a compiler, in milliseconds: one whose tests were given up must not go on for ever. */
const LIMIT_MS = 100_000;

/** Runs a compiler with a `tsconfig.json`; resolves with its exit code and what it printed. */
export function tsc(compiler, config, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [compiler, '-p', config, '--pretty', 'false'], { cwd, timeout: LIMIT_MS });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 'no code', output }));
  });
}

/** Blocks that declare something for the whole program are programs of their own; the others are modules of one. */
function programsOf(blocks) {
  const isAlone = ({ text }) => /^declare (module|global)\b/m.test(text);
  const together = blocks.filter((block) => !isAlone(block));
  return [together, ...blocks.filter(isAlone).map((block) => [block])].filter((program) => program.length > 0);
}

/** The compiler's errors, with the Markdown file instead of the program. */
function errorsOf(output, program) {
  const found = [];
  for (const line of output.split('\n')) {
    const [, name, number, , message] = /^(\S+)\((\d+),(\d+)\): (.*)$/.exec(line) ?? [];
    const block = program.find((block) => sourceName(block) === name);
    if (block) found.push({ block, message: `${block.file}:${number}: ${message}` });
    else if (/^\s/.test(line) && found.length > 0) found.at(-1).message += ` ${line.trim()}`;
  }
  return found;
}

function sourceName({ name, extension }) {
  return `${name}.${extension}`;
}
