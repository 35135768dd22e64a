/** Test suites of an application, which move its clock: with Vitest as ES modules, with Jest as CommonJS. */
import test from 'ava';
import { npm } from '../helpers/example.js';

test('Vitest: a suite of four tests passes', async (t) => {
  t.regex(await npm('vitest', 'test', '--', '--reporter=verbose'), /Tests +4 passed \(4\)/);
});

test('Jest: a suite of four tests passes', async (t) => {
  t.regex(await npm('jest', 'test'), /Tests: +4 passed, 4 total/);
});
