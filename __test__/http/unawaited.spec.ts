/** A promise that a handler does not wait for fails its response, never the process. */
import express from 'express';
import test from 'ava';
import { SessionManager, SessionStore, type Session } from 'agai-session';
import { session } from 'agai-session/express';
import { freshPath, openStore } from '../helpers/durable.js';
import { Client, request, serve, warnings } from '../helpers/http.js';
import { remoteBackend } from '../helpers/remote-backend.js';
import { until } from '../helpers/until.js';

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Collects unhandled rejections until the test ends; without a listener each would end the process. */
function rejections(t: { teardown(work: () => void): void }): unknown[] {
  const seen: unknown[] = [];
  const listener = (error: unknown): number => seen.push(error);
  process.on('unhandledRejection', listener);
  t.teardown(() => process.off('unhandledRejection', listener));
  return seen;
}

type Handler = express.RequestHandler;

/**
 * An application over a store on disk, in which `/` runs a handler and errors are answered with their code. `leave` logs the user of
 * `client` out, as in another tab.
 */
async function shop(
  t: Parameters<typeof openStore>[0],
  handler: (leave: () => Promise<unknown>) => Handler,
): Promise<{ client: Client }> {
  const app = express();
  const sessions = session({ store: await openStore(t) });
  app.use(sessions);
  app.get('/login', (req, res) => (req.session.login('ann'), res.send('in')));
  app.get('/logout', async (req, res) => (await req.session.logout(), res.send('out')));
  app.get('/', (req, res, next) => handler(() => other.get('/logout'))(req, res, next));
  // oxlint-disable-next-line no-unused-vars -- Express tells an error handler by its four parameters
  app.use((error: { code: string }, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
    res.status(503).send(error.code);
  });
  const url = await serve(t, app);
  const [client, other] = [new Client(url), new Client(url)];
  await client.get('/login');
  for (const [name, value] of client.jar) other.jar.set(name, value);
  return { client };
}

// The user logged out in another tab while a handler worked, and the handler called save() where nobody waits: the whole process ended
// with an unhandled rejection.
test.serial('a save that nobody waits for and that fails is answered by the error handler', async (t) => {
  const unhandled = rejections(t);
  for (const pause of [0, 20]) {
    const { client } = await shop(t, (leave) => (req, res) => {
      const work = async (): Promise<void> => {
        (req.session.data as { n?: number }).n = 1;
        await leave();
        void req.session.save();
        if (pause > 0) await later(pause);
        res.send('saved');
      };
      void work();
    });
    const answer = await client.get('/');
    t.deepEqual([answer.status, answer.body], [503, 'ERR_SESSION_GONE'], `${pause} ms`);
  }
  await later(10);
  t.deepEqual(unhandled, []);
});

test.serial('a handler that waits for its save decides alone what a failure means', async (t) => {
  const unhandled = rejections(t);
  const waits: Record<string, (save: Promise<void>) => unknown> = {
    await: async (save) => await save.catch(() => undefined),
    'catch, without waiting': (save) => void save.catch(() => undefined),
    allSettled: (save) => Promise.allSettled([save]),
    'await, later': async (save) => {
      await later(20);
      await t.throwsAsync(save, { code: 'ERR_SESSION_GONE' });
    },
  };
  for (const [way, wait] of Object.entries(waits)) {
    const { client } = await shop(t, (leave) => async (req, res) => {
      (req.session.data as { n?: number }).n = 1;
      await leave();
      await wait(req.session.save() as Promise<void>);
      res.send('mine');
    });
    const answer = await client.get('/');
    t.deepEqual([answer.status, answer.body], [200, 'mine'], way);
  }
  await later(10);
  t.deepEqual(unhandled, []);
});

/** A backend whose writes and ends fail, by promises. */
function failing(code: string): { store: SessionStore; backend: ReturnType<typeof remoteBackend> } {
  const store = new SessionStore();
  const fail = (): never => {
    throw Object.assign(new Error('the network is down'), { code });
  };
  const backend = remoteBackend({
    ...remoteBackend(store.backend),
    load: (id, touch) => store.backend.load(id, touch),
    commit: fail,
    destroy: fail,
    touch: fail,
  });
  return { store, backend };
}

const calls: Record<string, (session: Session<{ n?: number }>) => unknown> = {
  save: (session) => ((session.data.n = Math.random()), session.save()),
  logout: (session) => session.logout(),
  destroy: (session) => session.destroy(),
  touch: (session) => session.touch({ idleTimeout: '1h' }),
};

for (const [name, call] of Object.entries(calls)) {
  test.serial(
    `${name}: a failure that nobody waits for fails the response, or is a warning if that was sent`,
    async (t) => {
      const code = `EDOWN_${name}`;
      const unhandled = rejections(t);
      const seen = warnings(t);
      const { store, backend } = failing(code);
      const manager = new SessionManager<{ n?: number }>({
        store: backend,
        onError: (error, _req, res) => {
          res.statusCode = 503;
          res.end((error as { code: string }).code);
        },
      });
      const done: string[] = [];
      const url = await serve(t, async (req, res) => {
        const session = await manager.start(req, res);
        if (req.url === '/before') {
          void call(session);
          res.end('well');
          return;
        }
        if (req.url === '/streaming') res.write('well');
        else res.end('well');
        await new Promise((resolve) => (res.writableEnded ? res.once('close', resolve) : setImmediate(resolve)));
        void call(session);
        await later(50);
        done.push(req.url!);
      });
      const headers = { cookie: `id=${store.create({ n: 0 }).id}` };
      const before = await request(`${url}/before`, { headers });
      t.deepEqual([before.status, before.body], [503, code]);
      t.deepEqual(
        seen.filter((warning) => warning.code === code),
        [],
        'the error handler has it, and nobody else',
      );

      t.is((await request(`${url}/after`, { headers })).body, 'well');
      await until(() => done.includes('/after'), 'the handler is done');
      t.is(seen.filter((warning) => warning.code === code).length, 1);

      const stream = request(`${url}/streaming`, { headers });
      stream.catch(() => undefined);
      await until(() => done.includes('/streaming'), 'the handler is done');
      t.is(seen.filter((warning) => warning.code === code).length, 2);
      t.deepEqual(unhandled, []);
    },
  );

  test.serial(`${name}: outside a request, a failure that nobody waits for is a warning`, async (t) => {
    const code = `EDOWN_${name}`;
    const unhandled = rejections(t);
    const seen = warnings(t);
    const { store, backend } = failing(code);
    const manager = new SessionManager<{ n?: number }>({ store: backend });
    const session = (await manager.load(store.create({ n: 0 }).id))!;
    void call(session);
    await until(() => seen.some((warning) => warning.code === code), 'there is a warning');
    const again = (await manager.load(store.create({ n: 0 }).id))!;
    await t.throwsAsync(async () => call(again), { code });
    await later(10);
    t.is(seen.filter((warning) => warning.code === code).length, 1, 'none if somebody waits');
    t.deepEqual(unhandled, []);
  });
}

test('a save on disk that nobody waits for and that succeeds is there when the response is', async (t) => {
  const path = freshPath(t);
  const store = await openStore<{ n?: number }>(t, { path });
  const app = express();
  app.use(session({ store }));
  app.get('/', (req, res) => {
    (req.session.data as { n?: number }).n = 1;
    void req.session.save();
    res.send('ok');
  });
  const client = new Client(await serve(t, app));
  t.is((await client.get('/')).body, 'ok');
  t.deepEqual(store.get(client.jar.get('id')!)!.data, { n: 1 });
});
