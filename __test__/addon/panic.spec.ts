/** A fault inside the native code is an error with a code, never the end of the process. */
import test from 'ava';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
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

/** The addon with faults that are asked for by user id: `npm test` builds and names it. */
function faultsAddon(): string | undefined {
  const named = process.env['AGAI_SESSION_FAULTS'];
  if (named) return named;
  const folder = join(dirname(createRequire(import.meta.url).resolve('agai-session/package.json')), 'target/faults');
  const file = existsSync(folder) ? readdirSync(folder).find((name) => name.endsWith('.node')) : undefined;
  return file && join(folder, file);
}

const addon = faultsAddon();
const planted = addon === undefined ? test.skip : test;
if (addon === undefined) {
  console.warn('panic.spec.ts is skipped: there is no addon with planted faults; `npm test` builds it.');
}

const runs = new Map<string, Promise<Answer & { stderr: string }>>();

/** One run for each place of the panic, which several tests look at. */
function run(where: string): Promise<Answer & { stderr: string }> {
  const answer = runs.get(where) ?? start(where);
  runs.set(where, answer);
  return answer;
}

async function start(where: string): Promise<Answer & { stderr: string }> {
  const outcome = await runFixture('planted.mjs', { args: [where], env: { NAPI_RS_NATIVE_LIBRARY_PATH: addon ?? '' } });
  if (outcome.code !== 0) throw new Error(`ended with ${outcome.code ?? outcome.signal}: ${outcome.stderr}`);
  return { ...outcome.answer<Answer>(), stderr: outcome.stderr };
}

planted('a panic in a call becomes an error of that call', async (t) => {
  const { first, stderr } = await run('call');
  t.is(first?.code, 'ERR_SESSION_INTERNAL');
  t.is(first?.name, 'SessionError');
  t.true(first?.isSessionError);
  t.regex(first?.message ?? '', /planted panic/);
  t.regex(stderr, /planted panic/, 'and is printed for whoever looks for the cause');
});

for (const where of ['call', 'expiry thread']) {
  planted(`after a panic in ${where} the process lives and the store refuses further work`, async (t) => {
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

  planted(`a panic in ${where} harms no other store`, async (t) => {
    const { sibling, fresh } = await run(where);
    t.deepEqual(sibling, { sibling: true });
    t.deepEqual(fresh, { fresh: true });
  });
}
