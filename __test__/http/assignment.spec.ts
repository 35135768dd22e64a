/** An assignment to `req.session` itself. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import test from 'ava';
import { SessionStore } from 'agai-session';
import { session } from 'agai-session/express';
import { expresses } from '../helpers/apps.js';
import { Client, request, serve } from '../helpers/http.js';

const wrong: [string, unknown, RegExp][] = [
  ['null', null, /^req\.session = null logs nobody out: use `await req\.session\.logout\(\)`$/],
  ['undefined', undefined, /^req\.session = undefined logs nobody out/],
  ['false', false, /logs nobody out/],
  ['a plain object', { user: 'hunter2' }, /^req\.session cannot be an object, .*req\.session\.data = /],
  ['a text', 'hunter2', /^req\.session cannot be a string, /],
];

for (const [version, create] of Object.entries(expresses)) {
  // cookie-session's logout answered 200 and logged nobody out; a spec even promised it.
  test(`${version}: an assignment of nothing or of plain values throws, and the session stays`, async (t) => {
    const store = new SessionStore();
    const app = create();
    app.use(session({ store }));
    app.get('/login', (req, res) => {
      req.session.login('ann');
      res.end();
    });
    app.get('/set/:n', (req, res) => {
      const [, value] = wrong[Number(req.params['n'])]!;
      try {
        (req as { session: unknown }).session = value;
        res.json('nothing was thrown');
      } catch (error) {
        res.json([(error as Error).name, (error as Error).message, req.session.uid]);
      }
    });
    const client = new Client(await serve(t, app));
    await client.get('/login');
    for (const [n, [name, , message]] of wrong.entries()) {
      const [type, text, uid] = JSON.parse((await client.get(`/set/${n}`)).body) as string[];
      t.deepEqual([type, uid], ['TypeError', 'ann'], name);
      t.regex(text!, message, name);
      t.notRegex(text!, /hunter2/);
    }
    t.is(store.size, 1);
  });
}

test('a request of an application without the middleware may have any session', async (t) => {
  session();
  const url = await serve(t, (req: IncomingMessage & { session?: unknown }, res: ServerResponse) => {
    req.session = null;
    res.write(String(req.session));
    req.session = { own: true };
    res.end(JSON.stringify(req.session));
  });
  t.is((await request(url)).body, 'null{"own":true}');
});

// Mocks of requests and other packages have a property of their own; an assignment to it was not noticed.
test('an assignment is also refused where the request had a property of its own before', async (t) => {
  const app = expresses['Express 5']!();
  app.use((req, _res, next) => {
    Object.defineProperty(req, 'session', { value: 'theirs', writable: true, configurable: true });
    next();
  });
  app.use(session());
  app.get('/', (req, res) => {
    t.throws(() => Object.assign(req, { session: null }), { instanceOf: TypeError, message: /logout/ });
    res.json(req.session.uid);
  });
  t.is((await request(await serve(t, app))).body, '"Guest"');
});
