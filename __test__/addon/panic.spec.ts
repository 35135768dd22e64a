/** A panic in the native code becomes an error with a code, and never ends the process. */
import test from 'ava';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { freshPath, openStore } from '../helpers/durable.js';
import { runFixture } from '../helpers/fixture.js';

interface Answer {
  first?: { code: string; name: string; message: string; isSessionError: boolean };
  later: Record<string, string>;
  close: string;
  closeAgain: string;
  afterClose: string;
  sibling: object;
  fresh: object;
}

/** The addon with planted faults, which a user id triggers. `npm test` builds it and names its path. */
function faultsAddon(): string | undefined {
  const named = process.env['AGAI_SESSION_FAULTS'];
  if (named) return named;
  const folder = join(dirname(createRequire(import.meta.url).resolve('agai-session/package.json')), 'target/faults');
  const file = existsSync(folder) ? readdirSync(folder).find((name) => name.endsWith('.node')) : undefined;
  return file && join(folder, file);
}

const addon = faultsAddon();
/** Without backtraces: printing one takes longer than everything else, and waiting calls are rejected only afterwards. */
const faulty = { NAPI_RS_NATIVE_LIBRARY_PATH: addon ?? '', RUST_BACKTRACE: '0' };
const planted = addon === undefined ? test.skip : test;
if (addon === undefined) {
  console.warn('panic.spec.ts is skipped: there is no addon with planted faults; `npm test` builds it.');
}

const runs = new Map<string, Promise<Answer & { stderr: string }>>();

/** One run for each place of the panic; several tests examine it. */
function run(where: string): Promise<Answer & { stderr: string }> {
  const answer = runs.get(where) ?? start(where);
  runs.set(where, answer);
  return answer;
}

async function start(where: string): Promise<Answer & { stderr: string }> {
  const outcome = await runFixture('planted.mjs', { args: [where], env: faulty });
  if (outcome.code !== 0) throw new Error(`ended with ${outcome.code ?? outcome.signal}: ${outcome.stderr}`);
  return { ...outcome.answer<Answer>(), stderr: outcome.stderr };
}

planted('a panic in a call becomes an error of that call', async (t) => {
  const { first, stderr } = await run('call');
  t.is(first?.code, 'ERR_SESSION_INTERNAL');
  t.is(first?.name, 'SessionError');
  t.true(first?.isSessionError);
  t.regex(first?.message ?? '', /planted panic/);
  t.regex(stderr, /planted panic/, 'and is printed, so that the cause can be found');
});

for (const where of ['call', 'expiry thread']) {
  planted(`after a panic in ${where} the process lives on and the store refuses further calls`, async (t) => {
    const { later, stderr } = await run(where);
    t.regex(stderr, /planted (sweeper )?panic/);
    t.deepEqual(later, Object.fromEntries(Object.keys(later).map((name) => [name, 'ERR_SESSION_INTERNAL'])));
    t.true(Object.keys(later).length >= 13);
  });

  planted(`after a panic in ${where} the store can be closed, twice`, async (t) => {
    const { close, closeAgain, afterClose } = await run(where);
    t.is(close, 'no error');
    t.is(closeAgain, 'no error');
    t.true(['ERR_SESSION_INTERNAL', 'ERR_SESSION_CLOSED'].includes(afterClose), afterClose);
  });

  planted(`a panic in ${where} does not affect other stores`, async (t) => {
    const { sibling, fresh } = await run(where);
    t.deepEqual(sibling, { sibling: true });
    t.deepEqual(fresh, { fresh: true });
  });
}

interface Wait {
  readonly code: string;
  readonly millis: number;
}

/** The output of a run with a store on disk. */
interface DurableAnswer {
  readonly outcomes: Record<string, Wait>;
  readonly events: readonly string[];
  readonly later: Record<string, Wait>;
  readonly close: Wait;
  readonly found: number;
  readonly isEndedBack: boolean;
  readonly sibling: object;
  readonly fresh: string;
}

const codesOf = (waits: Record<string, Wait>): readonly string[] => [
  ...new Set(Object.values(waits).map(({ code }) => code)),
];

/** The user ids that make the addon panic, and where it panics. */
const PLACES = {
  'planted panic': 'a call',
  'planted sweeper panic': 'the expiry thread',
  'planted panic before a write': 'the journal, before a write',
  'planted panic behind a write': 'the journal, before a write is acknowledged',
  'planted panic behind a sync': 'the journal, before a sync is acknowledged',
  'planted panic in a checkpoint': "a checkpoint's thread",
  'planted panic in a slice': 'a slice of a checkpoint',
  'planted panic in a close': 'a close',
};

/**
 * After a panic, waiting calls were settled only after two seconds, with `memory` as if they had succeeded; a checkpoint whose thread had
 * panicked was retried again and again; and no event was emitted.
 */
for (const [uid, where] of Object.entries(PLACES)) {
  for (const [durability, onDiskFailure] of [
    ['os', 'reject'],
    ['disk', 'memory'],
  ] as const) {
    planted(
      `${durability}, ${onDiskFailure}: a panic in ${where} is reported at once, and acknowledged writes are not lost`,
      async (t) => {
        const outcome = await runFixture('planted-durable.mjs', {
          args: [uid, freshPath(t), durability, onDiskFailure],
          env: faulty,
        });
        t.is(outcome.code, 0, outcome.stderr);
        t.true(outcome.stderr.includes(uid), 'it is printed, so that the cause can be found');
        const answer = outcome.answer<DurableAnswer>();
        const { outcomes, events, later, close } = answer;
        const waits = { ...outcomes, ...later, close };
        for (const [name, { millis }] of Object.entries(waits)) t.true(millis < 2_000, `${name} took ${millis} ms`);
        if (uid !== 'planted panic in a close') {
          t.deepEqual(codesOf(later), ['ERR_SESSION_INTERNAL']);
          t.deepEqual(events, ['ERR_SESSION_INTERNAL'], 'one event is emitted');
        }
        if (uid === 'planted panic behind a sync' && durability === 'os') {
          // The operating system had it before the panic.
          t.is(outcomes['create']?.code, 'no error');
          delete outcomes['create'];
        }
        t.deepEqual(codesOf(outcomes), Object.keys(outcomes).length > 0 ? ['ERR_SESSION_INTERNAL'] : []);
        t.is(close.code, 'ERR_SESSION_INTERNAL', 'a close ends, and rejects');
        t.is(answer.found, 49);
        t.false(answer.isEndedBack);
        t.deepEqual(answer.sibling, { sibling: true }, 'another store goes on');
        t.is(answer.fresh, 'no error', 'and so does this one, opened again');
      },
    );
  }
}

planted('a panic in an opening rejects that opening, and leaves the directory free and unchanged', async (t) => {
  const path = freshPath(t);
  const outcome = await runFixture('planted-opening.mjs', {
    args: [path],
    env: faulty,
  });
  t.is(outcome.code, 0, outcome.stderr);
  t.regex(outcome.stderr, /planted panic in an opening/);
  const { openings, other } = outcome.answer<{ openings: string[]; other: string }>();
  t.deepEqual(openings, ['SessionError ERR_SESSION_INTERNAL', 'SessionError ERR_SESSION_INTERNAL']);
  t.is(other, 'no error', 'other directories can be opened');
  // With the addon that has no faults.
  const store = await openStore(t, { path });
  t.is(store.size, 11);
});
