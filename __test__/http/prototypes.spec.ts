/** What the package changes of Node's own prototypes, and when. */
import test from 'ava';
import { runFixture } from '../helpers/fixture.js';

interface Changes {
  readonly imported: string[];
  readonly manager: string[];
  readonly middleware: string[];
  readonly again: string[];
  readonly inherited: string[];
}

test("importing the package changes nothing of Node's; a manager wraps the methods that send, the middleware adds req.session", async (t) => {
  const changes = (await runFixture('prototypes.mjs')).answer<Changes>();
  t.deepEqual(changes.imported, []);
  t.deepEqual(changes.manager, [
    'ServerResponse.Symbol(agai-session.wrapped@1)',
    'ServerResponse.end',
    'ServerResponse.flushHeaders',
    'ServerResponse.write',
    'ServerResponse.writeHead',
    'ServerResponse.writeHeader',
  ]);
  t.deepEqual(changes.middleware, ['IncomingMessage.session']);
  t.deepEqual(changes.again, [], 'a second manager and a second middleware change nothing more');
  t.deepEqual(changes.inherited, [], 'a loop over the properties of a request does not find the session');
});
