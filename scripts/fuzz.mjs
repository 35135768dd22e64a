// Runs libFuzzer on the code that reads the files and the texts of objects: `npm run fuzz`. The corpus begins with the frames of the golden directories.
//   TARGET ...       only these: codec, frame, log, manifest, object, snapshot
//   --seconds=N      for each (default 60)
//   --executions=N   for each instead; a full run has 1e9
// AGAI_SESSION_SEED repeats a run, if the corpus in target/fuzz/corpus is the same.
// Inputs that crash a target are stored in target/fuzz/crashes; `target/fuzz/.../TARGET FILE` runs one again.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureFuzzTools, env, root } from './setup.mjs';

const TARGETS = ['log', 'snapshot', 'manifest', 'frame', 'codec', 'object'];
/** The number of targets that run at a time: the cores of a small machine. */
const AT_ONCE = 2;
const HEADER = 56;
const SALT = 32;
/** Stored data, keys that are set and keys that are removed, with a byte 0xff between them. */
const OBJECTS = [
  ['{}', '{"a":1}', '{}'],
  ['{"a":1,"b":[{"c":"]}"}],"d":"\\"\\\\"}', '{"b":{},"e":null}', '{"a":0,"f":0}'],
  ['{"\\u001f\\n\\ud800":-1.5e+30,"__proto__":true}', '{"":"x"}', '{"__proto__":0}'],
];
/** The compiler flags of `cargo fuzz`. An explicit target keeps them from build scripts. */
const FLAGS = [
  '--cfg=fuzzing',
  '-Cpasses=sancov-module',
  '-Cllvm-args=-sanitizer-coverage-level=4',
  '-Cllvm-args=-sanitizer-coverage-inline-8bit-counters',
  '-Cllvm-args=-sanitizer-coverage-pc-table',
  '-Cllvm-args=-sanitizer-coverage-trace-compares',
  '-Cllvm-args=-simplifycfg-branch-fold-threshold=0',
];

const { values, positionals } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, executions: { type: 'string' } },
  allowPositionals: true,
});
const unknown = positionals.find((name) => !TARGETS.includes(name));
const limit = Number(values.executions ?? values.seconds);
// libFuzzer's counters have 32 bits.
if (unknown !== undefined || !(Number.isInteger(limit) && limit > 0 && limit < 2 ** 31)) {
  console.error(`usage: npm run fuzz -- [${TARGETS.join('|')}] ... [--seconds=N | --executions=N]`);
  process.exit(2);
}

ensureFuzzTools();
const host = /^host: (.*)$/m.exec(spawnSync('rustc', ['-vV'], { env, encoding: 'utf8' }).stdout)[1];
const made = join(root, 'target/fuzz');
const build = spawnSync(
  'cargo',
  [
    'build',
    '--release',
    '--target',
    host,
    '--target-dir',
    made,
    '--manifest-path',
    'crate/fuzz/Cargo.toml',
    '--locked',
  ],
  { cwd: root, env: { ...env, RUSTFLAGS: FLAGS.join(' ') }, stdio: 'inherit' },
);
if (build.status !== 0) process.exit(1);
mkdirSync(join(made, 'crashes'), { recursive: true });

const seed = Number(process.env.AGAI_SESSION_SEED) || 1 + Math.floor(Math.random() * 0xffff_fffe);
const results = [];
const waiting = positionals.length > 0 ? positionals : [...TARGETS];
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let target = waiting.shift(); target; target = waiting.shift()) results.push(await run(target));
  }),
);
console.table(Object.fromEntries(results.map(({ target, ...result }) => [target, result])));
process.exitCode = results.some(({ crashes }) => crashes > 0) ? 1 : 0;

/** Runs one target for the given time or number of executions. */
async function run(target) {
  const corpus = join(made, 'corpus', target);
  mkdirSync(corpus, { recursive: true });
  for (const [name, bytes] of seeds(target)) writeFileSync(join(corpus, name), bytes);
  const args = [
    corpus,
    values.executions === undefined ? `-max_total_time=${limit}` : `-runs=${limit}`,
    `-seed=${seed % 2 ** 32}`,
    '-max_len=16384',
    '-timeout=20',
    '-rss_limit_mb=2048',
    // A length is accepted up to that of the longest body: 1,025 MiB.
    '-malloc_limit_mb=1040',
    '-print_final_stats=1',
    `-artifact_prefix=${join(made, 'crashes', `${target}-`)}`,
  ];
  const started = Date.now();
  const child = spawn(join(made, host, 'release', target), args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (log = (log + text).slice(-20_000)));
  const code = await new Promise((resolve) => child.on('close', (code, signal) => resolve(code ?? signal)));
  const executions = Number(/^stat::number_of_executed_units:\s*(\d+)/m.exec(log)?.[1] ?? 0);
  if (code !== 0 || executions === 0) console.error(`${target} ended with ${code}:\n${log}`);
  const seconds = Math.round((Date.now() - started) / 1000);
  return { target, seed, executions, seconds, crashes: code === 0 && executions > 0 ? 0 : 1 };
}

/** The initial corpus of a target: frames of the golden files, with the flags that `fuzzing.rs` reads, or the objects. */
function* seeds(target) {
  if (target === 'object') {
    for (const [index, texts] of OBJECTS.entries())
      yield [`object-${index}`, Buffer.from(texts.join('\xff'), 'latin1')];
    return;
  }
  for (const { name, kind, salt, frames } of goldenFiles()) {
    if (target === 'codec') {
      for (const [index, { type, body }] of [...framesOf(frames)].entries()) {
        yield [`${name}-${index}`, Buffer.concat([Buffer.from([bodyOf(type)]), body])];
      }
    } else if (target === 'frame' || target === kind) {
      for (const flags of [0, 3, 7]) yield [`${name}-${flags}`, Buffer.concat([Buffer.from([flags]), salt, frames])];
    }
  }
}

function* goldenFiles() {
  const kinds = { MANIFEST: 'manifest', snap: 'snapshot', log: 'log' };
  const golden = join(root, 'crate/core/tests/golden');
  for (const entry of readdirSync(golden, { recursive: true, withFileTypes: true })) {
    const kind = kinds[entry.name.split('-')[0]];
    if (!entry.isFile() || kind === undefined) continue;
    const path = join(entry.parentPath ?? entry.path, entry.name);
    const bytes = readFileSync(path);
    if (bytes.length <= HEADER) continue;
    const name = path.slice(golden.length + 1).replaceAll(/[^\w.]/g, '_');
    yield { name, kind, salt: bytes.subarray(SALT, SALT + 8), frames: bytes.subarray(HEADER) };
  }
}

/** Splits frames (docs/internals/format.md): a length, a checksum, a number, a type, and a body of that length. */
function* framesOf(bytes) {
  for (let at = 0; at + 17 <= bytes.length; at += 17 + bytes.readUInt32LE(at)) {
    yield { type: bytes[at + 16], body: bytes.subarray(at + 17, at + 17 + bytes.readUInt32LE(at)) };
  }
}

/** The number that `fuzzing.rs` uses for the body of a frame type. */
function bodyOf(type) {
  return { 1: 0, 2: 0, 3: 7, 4: 1, 5: 2, 8: 3, 17: 4, 16: 5, 18: 6, 32: 8 }[type] ?? 0;
}
