/** Requests over a store on disk. */
import { writeFileSync } from 'node:fs';
import { SessionManager, SessionStore } from 'agai-session';
import { session } from 'agai-session/express';
import express from 'express';
import test from 'ava';
import { kinds } from '../helpers/apps.js';
import { DURABILITIES, freshPath, openStore, reopen } from '../helpers/durable.js';
import { Client, request, serve } from '../helpers/http.js';

for (const { name, app } of kinds) {
  for (const durability of DURABILITIES) {
    test(`${name}, ${durability}: a redirect never overtakes its session`, async (t) => {
      const store = await openStore(t, { durability });
      const origin = await serve(
        t,
        app({ store }, (req, res) => {
          if (req.url === '/login') {
            req.session.login('ann');
            req.session.data['cart'] = ['apple'];
            res.writeHead(303, { location: '/' }).end();
          } else if (req.url === '/logout') {
            void req.session.logout();
            res.writeHead(303, { location: '/' }).end();
          } else {
            res.end(`${req.session.uid} ${JSON.stringify(req.session.data['cart'])}`);
          }
        }),
      );
      const clients = Array.from({ length: 10 }, () => new Client(origin));
      await Promise.all(
        clients.map(async (client) => {
          t.is((await client.get('/login')).status, 303);
          t.is((await client.get('/')).body, 'ann ["apple"]');
          const { cookie } = client;
          t.is((await client.get('/logout')).status, 303);
          t.is(client.jar.size, 0);
          t.is((await request(`${origin}/`, { headers: { cookie } })).body, 'Guest undefined');
        }),
      );
    });
  }

  test(`${name}: with a path, sessions survive a restart`, async (t) => {
    const path = freshPath(t);
    const count = async (store: SessionStore | Awaited<ReturnType<typeof SessionStore.open>>): Promise<string> => {
      const origin = await serve(
        t,
        app({ store }, (req, res) => {
          req.session.data['n'] = Number(req.session.data['n'] ?? 0) + 1;
          res.end(String(req.session.data['n']));
        }),
      );
      const client = new Client(origin);
      for (const [key, value] of jar) client.jar.set(key, value);
      const { body } = await client.get('/');
      jar = client.jar;
      return body;
    };
    let jar = new Map<string, string>();
    const store = await openStore(t, { path });
    t.is(await count(store), '1');
    t.is(await count(store), '2');
    t.is(await count(await reopen(t, store)), '3');
  });
}

test('a middleware with a path opens its own store and serves requests from the first one on', async (t) => {
  const path = freshPath(t);
  const first = await openStore(t, { path });
  const { id } = await first.create({ n: 41 }, { uid: 'ann' });
  await first.close();
  const sessions = session({ path, durability: 'disk' });
  const app = express();
  app.use(sessions);
  app.get('/', (req, res) => {
    const data = req.session.data as { n?: number };
    data.n = (data.n ?? 0) + 1;
    res.send(`${req.session.uid} ${data.n}`);
  });
  const origin = await serve(t, app);
  const known = { headers: { cookie: `id=${id}` } };
  t.is((await request(`${origin}/`, known)).body, 'ann 42');
  t.is((await request(`${origin}/`)).body, 'Guest 1');
  const store = await sessions.ready;
  t.is(sessions.manager.store, store);
  t.is((await request(`${origin}/`, known)).body, 'ann 43');
  t.is(store.size, 2);
  await store.close();
});

test('if the store cannot be opened, every request fails with the same error, even without a session', async (t) => {
  const path = freshPath(t);
  writeFileSync(path, 'not a directory');
  const sessions = session({ path });
  await t.throwsAsync(sessions.ready, { code: 'ERR_SESSION_PATH' });
  const app = express();
  app.use(sessions);
  app.get('/', (_req, res) => res.send('all is well'));
  app.use((error: { code: string }, _req: unknown, res: express.Response, _next: unknown) => {
    res.status(503).send(error.code);
  });
  const origin = await serve(t, app);
  for (const cookie of ['', 'other=1', `id=${'A'.repeat(43)}`]) {
    const { status, body } = await request(`${origin}/`, { headers: { cookie } });
    t.deepEqual({ status, body }, { status: 503, body: 'ERR_SESSION_PATH' });
  }
  const manager = sessions.manager;
  await t.throwsAsync(async () => manager.load('A'.repeat(43)), { code: 'ERR_SESSION_PATH' });
  t.is(manager.store, undefined);
});

test('a manager of a store in memory is ready from the start', async (t) => {
  const manager = new SessionManager();
  t.is(await manager.ready, manager.store);
  t.true(manager.store instanceof SessionStore);
  const { backend } = new SessionStore();
  t.is(await new SessionManager({ store: backend }).ready, undefined, 'a backend is no store');
});
