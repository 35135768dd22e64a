/** A response whose session could not be written does not go out as if it had been. */
import compression from 'compression';
import express from 'express';
import http from 'node:http';
import { Readable } from 'node:stream';
import test from 'ava';
import { SessionManager, SessionStore, type SessionBackend } from 'agai-session';
import { session } from 'agai-session/express';
import { expresses, kinds, type Route } from '../helpers/apps.js';
import { Client, deferred, request, serve, warnings } from '../helpers/http.js';
import { remoteBackend } from '../helpers/remote-backend.js';

/** A backend that reads and creates, and whose commits fail, or those of its calls that are named. */
function failing(
  inner: SessionBackend,
  remote: boolean,
  names: readonly (keyof SessionBackend)[] = ['commit'],
): SessionBackend {
  const fail = (): never => {
    throw Object.assign(new Error('the disk is on fire'), { code: 'EFIRE' });
  };
  const backend = remote ? remoteBackend(inner) : inner;
  return new Proxy(backend, {
    get(target, name: keyof SessionBackend) {
      if (names.includes(name)) return remote ? async () => fail() : fail;
      const value: unknown = target[name];
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    },
  });
}

const ways: Record<string, Route> = {
  end: (_, res) => res.end('all is well'),
  write: (_, res) => {
    res.write('all ');
    res.write('is ');
    setImmediate(() => res.end('well'));
  },
  flushHeaders: (_, res) => {
    res.flushHeaders();
    res.end('all is well');
  },
  pipe: (_, res) => Readable.from(['all ', 'is ', 'well']).pipe(res),
  timer: (_, res) => setTimeout(() => res.end('all is well'), 1),
};

for (const [version, create] of Object.entries(expresses)) {
  for (const remote of [false, true]) {
    for (const [way, send] of Object.entries(ways)) {
      test(`${version}${remote ? ', promises' : ''}: ${way}: the error goes to next(), and the error handler’s response is sent instead`, async (t) => {
        const store = new SessionStore();
        const app = create();
        app.use(session({ store: failing(store.backend, remote) }));
        app.use((req, res) => {
          res.setHeader('X-Handler', '1');
          (req.session.data as { n?: number }).n = Math.random();
          send(req as never, res);
        });
        // oxlint-disable-next-line no-unused-vars -- Express tells an error handler by its four parameters
        app.use(
          (error: { code: string }, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
            res.status(503).json({ code: error.code });
          },
        );
        const url = await serve(t, app);
        const { id } = store.create({ n: 0 });
        const answer = await request(url, { headers: { cookie: `id=${id}` } });
        t.deepEqual([answer.status, answer.body, answer.cookies], [503, '{"code":"EFIRE"}', []]);
        t.deepEqual(store.get(id)!.data, { n: 0 });
      });
    }
  }
}

for (const remote of [false, true]) {
  test.serial(
    `node:http${remote ? ', promises' : ''}: without an onError the client gets an empty 500 and the process a warning`,
    async (t) => {
      const seen = warnings(t);
      const store = new SessionStore();
      const { id } = store.create({ n: 0 });
      const route: Route = (req, res) => {
        req.session.data['n'] = 1;
        res.setHeader('Content-Length', '300');
        res.end('all is well');
      };
      const url = await serve(t, kinds[0]!.app({ store: failing(store.backend, remote) }, route));
      const answer = await request(url, { headers: { cookie: `id=${id}` } });
      t.deepEqual([answer.status, answer.body], [500, '']);
      await new Promise(setImmediate);
      t.true(seen.some(({ message }) => message === 'the disk is on fire'));
    },
  );
}

// It answered `500 OK`, because Koa sets the words of a status itself.
test.serial('an empty 500 has its own words, not those of the status before', async (t) => {
  warnings(t);
  const store = new SessionStore();
  const { id } = store.create({ n: 0 });
  const route: Route = (req, res) => {
    req.session.data['n'] = 1;
    res.statusMessage = 'OK';
    res.end('all is well');
  };
  const url = await serve(t, kinds[0]!.app({ store: failing(store.backend, false) }, route));
  const { status, statusText } = await fetch(url, { headers: { cookie: `id=${id}` } });
  t.deepEqual([status, statusText], [500, 'Internal Server Error']);
});

// An unhandled rejection ended the process.
test.serial('an onError that rejects is a warning and an empty 500, or what it has sent before', async (t) => {
  const seen = warnings(t);
  const store = new SessionStore();
  const answers: ((res: http.ServerResponse) => void)[] = [() => undefined, (res) => res.writeHead(503).end('sorry')];
  const statuses: number[] = [];
  for (const answer of answers) {
    const { id } = store.create({ n: 0 });
    const onError = async (_error: unknown, _req: unknown, res: http.ServerResponse): Promise<void> => {
      answer(res);
      await new Promise(setImmediate);
      throw new Error('the error page is gone');
    };
    const app = kinds[0]!.app({ store: failing(store.backend, false), onError }, (req, res) => {
      req.session.data['n'] = 1;
      res.end('all is well');
    });
    statuses.push((await request(await serve(t, app), { headers: { cookie: `id=${id}` } })).status);
  }
  await new Promise(setImmediate);
  t.deepEqual(statuses, [500, 503]);
  t.is(seen.filter(({ message }) => message === 'the error page is gone').length, 2);
});

/** An application whose session is refused, and whose error handler takes its time. */
function refusing(
  create: typeof express,
  options: { remote?: boolean; before?: express.RequestHandler },
  route: Route,
): express.Express {
  const store = new SessionStore({ maxSessionBytes: 50 });
  const app = create();
  if (options.before) app.use(options.before);
  app.use(session({ store: options.remote ? remoteBackend(store.backend) : store }));
  app.use((req, res) => {
    (req.session.data as { big?: string }).big = 'x'.repeat(100);
    return route(req as never, res);
  });
  // oxlint-disable-next-line no-unused-vars -- Express tells an error handler by its four parameters
  app.use((error: { code: string }, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
    setTimeout(() => res.status(413).send(error.code), 5);
  });
  return app;
}

const long = 'all is well '.repeat(400);
// The error handler set the status that the response had already, and was taken for the handler that was refused.
test('an error handler that responds later and sets no header has its response sent', async (t) => {
  for (const remote of [false, true]) {
    const store = new SessionStore({ maxSessionBytes: 50 });
    const answers: Route[] = [
      (_, res) => setTimeout(() => ((res.statusCode = 500), res.end()), 5),
      (_, res) => setTimeout(() => res.end('late'), 5),
      (_, res) => res.end('at once'),
    ];
    for (const answer of answers) {
      const url = await serve(
        t,
        kinds[0]!.app(
          {
            store: remote ? remoteBackend(store.backend) : store,
            onError: (_error, req, res) => void answer(req as never, res),
          },
          (req, res) => {
            req.session.data['big'] = 'x'.repeat(100);
            res.end('well');
          },
        ),
      );
      t.is((await request(url)).status, 500);
    }
  }
});

test('an onError that throws becomes a warning, and the client gets an empty 500', async (t) => {
  const onError = (): never => {
    throw new Error('the handler of errors is broken too');
  };
  const url = await serve(
    t,
    kinds[0]!.app({ maxSessionBytes: 50, onError }, (req, res) => {
      req.session.data['big'] = 'x'.repeat(100);
      res.end('well');
    }),
  );
  const answer = await request(url);
  t.deepEqual([answer.status, answer.body], [500, '']);
});

// What was set while the response waited for the backend went out with it: a status of 500 and another length over the handler's
// body, so that the next response on the connection was read as part of it.
test('headers and status that are set while the sent response waits for the store have no effect', async (t) => {
  const store = new SessionStore();
  const app = express();
  app.set('env', 'test');
  app.use(session({ store: remoteBackend(store.backend) }));
  app.get('/', (req, res) => {
    (req.session.data as { n?: number }).n = 1;
    res.setHeader('X-A', '1');
    res.send('hello');
    t.true(res.headersSent);
    res.statusCode = 404;
    if (req.query['set'] === '1') res.setHeader('Content-Length', '949');
    res.end('again');
    res.write('and again');
  });
  const url = await serve(t, app);
  for (const query of ['', '?set=1']) {
    const { status, body, headers, cookies } = await request(url + query);
    t.deepEqual([status, body, headers['content-length'], headers['x-a'], cookies.length], [200, 'hello', '5', '1', 1]);
  }
});

// Node sends by this alias as well, and the session was not written.
test('writeHeader, the other name of writeHead, also commits the session', async (t) => {
  for (const { app } of kinds) {
    const store = new SessionStore();
    const url = await serve(
      t,
      app({ store }, (req, res) => {
        req.session.login('ann');
        (res as unknown as { writeHeader: (status: number) => void }).writeHeader(200);
        res.end();
      }),
    );
    t.is((await request(url)).cookies.length, 1);
    t.is(store.stats().users, 1);
  }
});

// A wrapper that passes on three arguments, as many do, cost the client its cookie.
test('writeHead with an undefined third argument keeps the session cookie beside the others', async (t) => {
  const heads: [number, ...unknown[]][] = [
    [200, { 'set-cookie': 'mine=1', 'Set-Cookie': 'other=1' }, undefined],
    [200, ['Set-Cookie', 'mine=1', 'set-cookie', 'other=1'], undefined],
    [200, undefined, { 'Set-Cookie': ['mine=1', 'other=1'] }],
  ];
  for (const head of heads) {
    const url = await serve(
      t,
      kinds[2]!.app({}, (req, res) => {
        req.session.data['n'] = 1;
        (res.writeHead as (...args: unknown[]) => unknown)(...head);
        res.end();
      }),
    );
    const { cookies } = await request(url);
    t.is(cookies.filter((cookie) => cookie.startsWith('id=')).length, 1);
    t.true(cookies.includes('mine=1') && cookies.includes('other=1'));
  }
});

test('the client gets its cookie even if Node refuses the headers of writeHead', async (t) => {
  const url = await serve(
    t,
    kinds[0]!.app({}, (req, res) => {
      req.session.data['n'] = 1;
      t.throws(() => res.writeHead(200, { 'Set-Cookie': 'a=1', 'not a token': 'x' }));
      res.end('plain');
    }),
  );
  const { body, cookies } = await request(url);
  t.is(body, 'plain');
  t.regex(cookies.at(-1)!, /^id=/);
});

/** Ways to answer that go on after the failure, from a timer, or through writeHead. */
const stubborn: Record<string, Route> = {
  ...ways,
  'writeHead in a timer': (_, res) => setTimeout(() => res.writeHead(200, { 'X-A': 'a' }).end('well'), 1),
  'a long text in a timer': (_, res) => setTimeout(() => (res as express.Response).type('text').send(long), 1),
  'writes from timers': (_, res) => {
    res.setHeader('Content-Type', 'text/plain');
    res.write(long);
    setTimeout(() => res.write(long), 1);
  },
};

// An error that was thrown out of writeHead, which compression calls, took the process down when the handler answered from a
// timer. And what the handler went on to send while an error handler took its time left as a success, cut short.
for (const [version, create] of Object.entries(expresses)) {
  for (const remote of [false, true]) {
    for (const before of [undefined, compression()]) {
      for (const [way, route] of Object.entries(stubborn)) {
        test(`${version}${remote ? ', promises' : ''}${before ? ', compression' : ''}: a response whose session cannot be written is never a success: ${way}`, async (t) => {
          const url = await serve(t, refusing(create, { remote, ...(before && { before }) }, route));
          for (const headers of [{}, { 'accept-encoding': 'gzip' }] as Record<string, string>[]) {
            const answer = await request(url, { headers });
            t.true(answer.status >= 400, `${answer.status} ${answer.body.slice(0, 20)}`);
            t.deepEqual(answer.cookies, []);
          }
        });
      }
    }
  }
}

test('an error handler can send a whole response, however the handler began', async (t) => {
  for (const way of ['end', 'write', 'flushHeaders', 'timer', 'writeHead in a timer', 'a long text in a timer']) {
    const url = await serve(t, refusing(express, {}, stubborn[way]!));
    const { status, body, headers } = await request(url);
    t.deepEqual([status, body, headers['content-length']], [413, 'ERR_SESSION_TOO_LARGE', '21'], way);
  }
});

// A handler that caught the failure of its own save() was overruled: the response failed for the same thing again.
test('a handler that handles the failure of its own save() has its response sent', async (t) => {
  for (const remote of [false, true]) {
    const store = new SessionStore();
    const { id } = store.create({ n: 0 });
    const url = await serve(
      t,
      kinds[2]!.app({ store: failing(store.backend, remote) }, async (req, res) => {
        req.session.data['n'] = 1;
        await t.throwsAsync(async () => req.session.save(), { code: 'EFIRE' });
        res.statusCode = 413;
        res.end('mine');
      }),
    );
    const answer = await request(url, { headers: { cookie: `id=${id}` } });
    t.deepEqual([answer.status, answer.body], [413, 'mine']);
  }
});

// A handler that awaited logout() and failed with it: the error handler's own answer failed for the same thing, and a bare 500 went out.
test('a logout that was awaited and failed goes to the error handler, and the failure is never hidden', async (t) => {
  const app = express();
  const store = new SessionStore();
  app.use(session({ store: failing(store.backend, true, ['destroy']), cookie: { name: 'id', secure: false } }));
  app.get('/awaited', async (req, res) => {
    await req.session.logout();
    res.send('out');
  });
  app.get('/not-awaited', async (req, res) => {
    void req.session.logout();
    await new Promise((resolve) => setTimeout(resolve, 20));
    res.send('out');
  });
  app.get('/caught', async (req, res) => {
    await t.throwsAsync(async () => req.session.logout(), { code: 'EFIRE' });
    res.send('out');
  });
  // oxlint-disable-next-line no-unused-vars -- Express tells an error handler by its four parameters
  app.use((error: { code: string }, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
    res.status(503).send(error.code);
  });
  const url = await serve(t, app);
  for (const path of ['awaited', 'not-awaited', 'caught']) {
    const { id } = store.create({ n: 0 });
    const { status, body } = await request(`${url}/${path}`, { headers: { cookie: `id=${id}` } });
    t.deepEqual([status, body], [503, 'EFIRE'], path);
  }
});

test('a handler can report a strict conflict to the client', async (t) => {
  const store = new SessionStore();
  const { id } = store.create({ n: 0 });
  const url = await serve(
    t,
    kinds[2]!.app({ store, concurrency: 'strict' }, async (req, res) => {
      req.session.data['n'] = 1;
      store.commit(id, undefined, { n: 2 });
      try {
        await req.session.save();
      } catch (error) {
        res.statusCode = (error as { code: string }).code === 'ERR_SESSION_CONFLICT' ? 409 : 500;
      }
      res.end();
    }),
  );
  t.is((await request(url, { headers: { cookie: `id=${id}` } })).status, 409);
  t.deepEqual(store.get(id)!.data, { n: 2 });
});

test('data that cannot be stored fails only its own request', async (t) => {
  const store = new SessionStore();
  const app = express();
  app.use(session({ store }));
  app.get('/bad', (req, res) => {
    (req.session.data as { big?: bigint }).big = 1n;
    res.send('never');
  });
  app.get('/good', (req, res) => {
    (req.session.data as { n?: number }).n = 1;
    res.send('ok');
  });
  app.set('env', 'test');
  const client = new Client(await serve(t, app));
  await client.get('/good');
  const bad = await client.get('/bad');
  t.is(bad.status, 500);
  t.regex(bad.body, /SessionError: the session&#39;s data cannot be stored/);
  t.is((await client.get('/good')).body, 'ok');
});

test('what a handler wrote before it threw is saved when the error response is sent', async (t) => {
  const store = new SessionStore();
  const app = express();
  app.set('env', 'test');
  app.use(session({ store }));
  app.get('/', (req) => {
    (req.session.data as { tries?: number }).tries = 1;
    throw new Error('no');
  });
  const client = new Client(await serve(t, app));
  t.is((await client.get('/')).status, 500);
  t.deepEqual(store.get(client.jar.get('id')!)!.data, { tries: 1 });
});

test('what the handler wrote is saved even if the client disconnects before the response', async (t) => {
  const store = new SessionStore();
  const { id } = store.create({ n: 0 });
  const [arrived, done] = [deferred(), deferred()];
  const url = await serve(
    t,
    kinds[2]!.app({ store }, (req, res) => {
      arrived.resolve();
      req.on('close', () => {
        req.session.data['n'] = 1;
        res.end('too late');
        done.resolve();
      });
    }),
  );
  const sent = http.get(url, { headers: { cookie: `id=${id}` }, agent: false });
  sent.on('error', () => undefined);
  await arrived.promise;
  sent.destroy();
  await done.promise;
  t.deepEqual(store.get(id)!.data, { n: 1 });
});

test('what a streaming handler writes to its session after the headers were sent is stored at the end', async (t) => {
  for (const { name, app } of kinds) {
    for (const remote of [false, true]) {
      const store = new SessionStore();
      const { id } = store.create({ n: 0 });
      const url = await serve(
        t,
        app({ store: remote ? remoteBackend(store.backend) : store }, async (req, res) => {
          res.write('one ');
          await new Promise(setImmediate);
          req.session.data['n'] = 1;
          res.end('two');
        }),
      );
      const answer = await request(url, { headers: { cookie: `id=${id}` } });
      t.is(answer.body, 'one two');
      t.deepEqual(store.get(id)!.data, { n: 1 }, name);
    }
  }
});

test('a new session that is first written after the headers were sent cannot set its cookie: the response is cut, and the error says why', async (t) => {
  const store = new SessionStore();
  const errors: unknown[] = [];
  const url = await serve(
    t,
    kinds[0]!.app({ store, onError: (error, _, res) => (errors.push(error), res.destroy()) }, (req, res) => {
      res.write('one ');
      req.session.data['n'] = 1;
      res.end('two');
    }),
  );
  await t.throwsAsync(request(url));
  t.is((errors[0] as { code: string }).code, 'ERR_SESSION_HEADERS_SENT');
  t.is(store.size, 0);
});

test('a session cannot be started after the response was begun', async (t) => {
  const manager = new SessionManager();
  const url = await serve(t, (req, res) => {
    res.write('one');
    t.throws(() => manager.start(req, res), { code: 'ERR_SESSION_HEADERS_SENT' });
    res.end();
  });
  t.is((await request(url)).body, 'one');
});

test('a closed store fails each request, and the process lives on', async (t) => {
  const store = new SessionStore();
  const app = express();
  app.set('env', 'test');
  app.use(session({ store }));
  app.get('/', (req, res) => res.json(req.session.data));
  const url = await serve(t, app);
  const { id } = store.create({ n: 0 });
  store.close();
  const answer = await request(url, { headers: { cookie: `id=${id}` } });
  t.is(answer.status, 500);
  t.regex(answer.body, /session store is closed/);
});
