/** What a handler does with the session while the response waits for a store, and just before: nothing of it is lost or refused. */
import test, { type ExecutionContext } from 'ava';
import { SessionStore } from 'agai-session';
import { kinds, type Kind, type Route } from '../helpers/apps.js';
import { Client, serve } from '../helpers/http.js';
import { remoteBackend } from '../helpers/remote-backend.js';

/** A client that has logged in as ann, and the store that `route` then works with. */
async function loggedIn(t: ExecutionContext, app: Kind['app'], isRemote: boolean, route: Route) {
  const sessions = new SessionStore();
  const store = isRemote ? remoteBackend(sessions.backend) : sessions;
  const origin = await serve(
    t,
    app({ store }, (req, res) => {
      if (req.url !== '/login') return route(req, res);
      req.session.login('ann');
      return res.end();
    }),
  );
  const client = new Client(origin);
  await client.get('/login');
  const stored = () => sessions.get(client.jar.get('id') ?? '');
  return { client, sessions, stored };
}

for (const { name, app } of kinds) {
  for (const isRemote of [false, true]) {
    const title = `${name} over ${isRemote ? 'a store that answers promises' : 'a native store'}`;

    test(`${title}: changes between the first write and the end of one turn are stored`, async (t) => {
      const { client, stored } = await loggedIn(t, app, isRemote, (req, res) => {
        req.session.data['before'] = 1;
        res.write('a');
        req.session.data['after'] = 2;
        res.end('b');
      });
      const { status, body } = await client.get('/');
      t.is(status, 200);
      t.is(body, 'ab');
      t.deepEqual(stored()?.data, { before: 1, after: 2 });
    });

    const logouts: Record<string, Route> = {
      'logout, then a message for the next page': (req, res) => {
        void req.session.logout();
        req.session.data['flash'] = 'goodbye';
        res.writeHead(303, { location: '/' }).end();
      },
      'an awaited logout, then a message': async (req, res) => {
        await req.session.logout();
        req.session.data['flash'] = 'goodbye';
        res.writeHead(303, { location: '/' }).end();
      },
      'logout, then a login as another user': (req, res) => {
        void req.session.logout();
        req.session.login('bob');
        res.writeHead(303, { location: '/' }).end();
      },
    };
    for (const [what, route] of Object.entries(logouts)) {
      test(`${title}: ${what}: the new session reaches the client`, async (t) => {
        const { client, sessions, stored } = await loggedIn(t, app, isRemote, route);
        const old = client.jar.get('id')!;
        t.is((await client.get('/')).status, 303);
        t.not(client.jar.get('id'), old);
        t.is(sessions.get(old), undefined);
        const isLogin = what.endsWith('user');
        t.is(stored()?.uid, isLogin ? 'bob' : 'Guest');
        t.deepEqual(stored()?.data, isLogin ? {} : { flash: 'goodbye' });
      });
    }

    test(`${title}: a new id that can no longer reach the client is refused, and the old one stays good`, async (t) => {
      let code: unknown;
      const { client, stored } = await loggedIn(t, app, isRemote, async (req, res) => {
        req.session.data['n'] = 1;
        res.write('a');
        req.session.regenerate();
        try {
          await req.session.save();
        } catch (error) {
          ({ code } = error as { code?: unknown });
        }
        res.end('b');
      });
      t.is((await client.get('/')).body, 'ab');
      t.is(code, 'ERR_SESSION_HEADERS_SENT');
      t.deepEqual(stored()?.data, { n: 1 });
    });
  }
}
