/** What a request costs: the calls that reach the store. */
import test from 'ava';
import { SessionStore, type SessionBackend } from 'agai-session';
import { kinds, type Route } from '../helpers/apps.js';
import { Client, request, serve } from '../helpers/http.js';

/** The backend with each of its calls noted; over a native store each is one call of the addon. */
function counted(inner: SessionBackend): { backend: SessionBackend; calls: string[] } {
  const calls: string[] = [];
  const note = (name: string, value: unknown): unknown =>
    typeof value !== 'function'
      ? value
      : (...args: unknown[]) => {
          calls.push(name);
          return (value as (...args: unknown[]) => unknown).apply(inner, args);
        };
  const backend = new Proxy(inner, {
    get: (target, name: keyof SessionBackend & string) =>
      name === 'cookieReader'
        ? (cookie: string) => note('find', target.cookieReader!(cookie))
        : note(name, target[name]),
  });
  return { backend, calls };
}

for (const { name, app } of kinds) {
  test(`${name}: a request calls the store once, a request that changes the session twice, one without the cookie never`, async (t) => {
    const store = new SessionStore();
    const { backend, calls } = counted(store.backend);
    const routes: Record<string, Route> = {
      '/untouched': (_, res) => res.end(),
      '/read': (req, res) => res.end(JSON.stringify([req.session.data, req.session.uid, req.session.isAuthenticated])),
      '/write': (req, res) => {
        req.session.data['n'] = Math.random();
        res.end();
      },
      '/login': (req, res) => {
        req.session.data['n'] = Math.random();
        req.session.login('ann');
        res.end();
      },
    };
    const url = await serve(
      t,
      app({ store: backend }, (req, res) => routes[req.url!]!(req, res)),
    );
    const client = new Client(url);
    const cost = async (path: string): Promise<string[]> => {
      calls.length = 0;
      await client.get(path);
      return calls.splice(0);
    };
    t.deepEqual(await cost('/untouched'), [], 'no cookie');
    t.deepEqual(await cost('/read'), [], 'no cookie, read');
    t.deepEqual(await cost('/write'), ['create']);
    t.deepEqual(await cost('/untouched'), ['find']);
    t.deepEqual(await cost('/read'), ['find']);
    t.deepEqual(await cost('/write'), ['find', 'commit']);
    t.deepEqual(await cost('/login'), ['find', 'regenerate']);
    await request(`${url}/read`, { headers: { cookie: 'other=1; another=2' } });
    t.deepEqual(calls, [], 'only the cookies of others');
  });
}
